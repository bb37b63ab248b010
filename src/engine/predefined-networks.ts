/**
 * The networks that every engine has: `none`, `host`, and `bridge`, as the daemon's options want it.
 * @module
 */
import { randomBytes } from "node:crypto";
import { failure } from "../errors/mod.ts";
import {
  choosePool,
  formatPrefix,
  parseCidr,
  parsePrefix,
  readIpamConfig,
  settlePool,
  type IpamConfigBody,
  type IpamPool,
  type NetworkRecord,
} from "../network/mod.ts";
import type { StateDatabase } from "./database.ts";
import type { NetworkOptions } from "./daemon-options.ts";
import type { NetworkContext } from "./network-context.ts";
import { formatTime, now } from "./time.ts";

/** Ids are random, and stay. Databases of earlier versions have some in their settings. */
function identity(database: StateDatabase, known: NetworkRecord | undefined, name: string): Pick<NetworkRecord, "id" | "created"> {
  if (known !== undefined) return known;
  const [id = randomBytes(32).toString("hex"), created = formatTime(now())] =
    database.setting(`network.${name}`)?.split(" ") ?? [];
  return { id, created };
}

const plain = {
  enableIPv4: true,
  enableIPv6: false,
  internal: false,
  attachable: false,
  ingress: false,
  configOnly: false,
  configFrom: "",
  ipam: { driver: "default", options: null, pools: [] },
  options: {},
  labels: {},
};

/** Writes down the predefined networks, where they are missing or the options have changed. */
export async function ensurePredefined(networks: NetworkContext, database: StateDatabase): Promise<void> {
  const { store, options } = networks;
  for (const [name, driver] of [
    ["none", "null"],
    ["host", "host"],
  ] as const) {
    if (store.byName(name) === undefined) {
      store.put({ ...identity(database, undefined, name), name, driver, ...plain });
    }
  }
  const known = store.byName("bridge");
  if (options.bridge === "none") {
    if (known !== undefined && store.countOn(known.id) === 0) store.delete(known);
    return;
  }
  // Its containers keep what they have; the next start of the engine without any takes the new options.
  if (known !== undefined && store.countOn(known.id) > 0) return;
  const pools = await bridgePools(networks, known);
  const wanted = { ...identity(database, known, "bridge"), name: "bridge", driver: "bridge", ...plain, ...bridgeSettings(options, pools) };
  if (JSON.stringify(wanted) !== JSON.stringify(known)) store.put(wanted);
}

function bridgeSettings(options: NetworkOptions, pools: readonly IpamPool[]): Partial<NetworkRecord> {
  return {
    enableIPv6: options.ipv6,
    ipam: { driver: "default", options: null, pools },
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": String(options.interContainerCommunication),
      "com.docker.network.bridge.enable_ip_masquerade": String(options.ipMasquerade),
      "com.docker.network.bridge.host_binding_ipv4": options.defaultHostAddress ?? "0.0.0.0",
      "com.docker.network.bridge.name": options.bridge ?? "docker0",
      "com.docker.network.driver.mtu": String(options.mtu),
    },
  };
}

/** The default bridge's subnets: what the options say, else what it had, else free ones. */
async function bridgePools(networks: NetworkContext, known: NetworkRecord | undefined): Promise<IpamPool[]> {
  const { options } = networks;
  const given = [
    { bip: options.bip, range: options.fixedCidr, gateway: options.defaultGateway },
    ...(options.ipv6
      ? [{ bip: options.bip6, range: options.fixedCidrV6, gateway: options.defaultGatewayV6 }]
      : []),
  ];
  const around = await networks.surroundings();
  const taken = around.host.flatMap((text) => parsePrefix(text) ?? []);
  return given.map(({ bip, range, gateway }, i) => {
    const family = i === 0 ? 4 : 6;
    const asked = askedConfig(bip, range, gateway);
    if (asked !== undefined) {
      const [pool] = readIpamConfig([asked]);
      if (pool !== undefined) return { ...settlePool(pool, true), automatic: true as const };
    }
    const before = known?.ipam.pools.find(({ subnet }) => subnet.includes(":") === (family === 6));
    if (before !== undefined) return before;
    const subnet = formatPrefix(choosePool(family, around.pools, taken));
    const [pool] = readIpamConfig([{ Subnet: subnet }]);
    if (pool === undefined) throw failure("internal", { message: `take ${subnet} for the bridge: it is no subnet` });
    const { gatewayChosen: _, ...settled } = settlePool(pool, true);
    return { ...settled, automatic: true as const };
  });
}

/** `--bip` is the bridge's address with its prefix; `--fixed-cidr` alone is the whole subnet. */
function askedConfig(
  bip: string | undefined,
  range: string | undefined,
  gateway: string | undefined,
): IpamConfigBody | undefined {
  const text = bip ?? range;
  if (text === undefined) return undefined;
  const [address = ""] = text.split("/");
  const own = gateway ?? (bip === undefined ? undefined : address);
  return {
    Subnet: subnetOf(text),
    ...(range === undefined ? {} : { IPRange: range }),
    ...(own === undefined ? {} : { Gateway: own }),
  };
}

/** The prefix that `address/length` lies in. */
function subnetOf(text: string): string {
  const found = parseCidr(text);
  if (found === undefined) throw failure("invalid-parameter", { message: `invalid address of a bridge: ${text}` });
  return formatPrefix(found.prefix);
}
