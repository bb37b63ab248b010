/**
 * The network `bridge`, which every engine has unless it is told not to: its record from the daemon's flags and from the
 * device that may be there already.
 * @module
 */
import { failure } from "../errors/mod.ts";
import {
  containsAddress,
  containsPrefix,
  formatPrefix,
  overlaps,
  parseAddress,
  parseCidr,
  parsePrefix,
  type Family,
  type Prefix,
} from "./ipam/addresses.ts";
import { settlePool, type AskedPool } from "./ipam/config.ts";
import { choosePool, type DefaultPool } from "./ipam/pools.ts";
import type { IpamPool, NetworkRecord } from "./types.ts";

/** What the daemon's flags say of it. */
export interface DefaultBridgeOptions {
  readonly bridge?: string;
  readonly bip?: string;
  readonly bip6?: string;
  readonly fixedCidr?: string;
  readonly fixedCidrV6?: string;
  readonly defaultGateway?: string;
  readonly defaultGatewayV6?: string;
  readonly interContainerCommunication: boolean;
  readonly defaultHostAddress?: string;
  readonly ipMasquerade: boolean;
  readonly ipv6: boolean;
  readonly mtu: number;
}

/** What it is judged by. */
export interface DefaultBridgeSurroundings {
  /** The other networks. */
  readonly existing: readonly NetworkRecord[];
  /** Prefixes of the host's addresses and routes, without those of the bridge itself. */
  readonly host: readonly string[];
  readonly pools: readonly DefaultPool[];
  /** Addresses with their lengths that the device has already: `172.17.0.1/16`. Empty if there is no device. */
  readonly device: readonly string[];
  readonly id: string;
  readonly created: string;
}

/**
 * Names of the auxiliary addresses that are the gateway of the default bridge's containers in the bridge's place
 * (`--default-gateway`), as Docker shows them.
 */
export const defaultGatewayNames: Readonly<Record<Family, string>> = {
  4: "DefaultGatewayIPv4",
  6: "DefaultGatewayIPv6",
};

/**
 * Makes the record; undefined when there is to be none (`--bridge none`).
 * @throws forbidden for a subnet of another network, invalid-parameter for addresses outside, internal as dockerd
 */
export function draftDefaultBridge(
  options: DefaultBridgeOptions,
  around: DefaultBridgeSurroundings,
): NetworkRecord | undefined {
  if (options.bridge === "none") return undefined;
  const others = around.existing
    .filter(({ configOnly }) => !configOnly)
    .flatMap(({ ipam }) => ipam.pools.flatMap(({ subnet }) => parsePrefix(subnet) ?? []));
  const families: readonly Family[] = options.ipv6 ? [4, 6] : [4];
  const pools = families.map((family) => bridgePool(family, wishesOf(family, options), others, around));
  return {
    id: around.id,
    name: "bridge",
    driver: "bridge",
    created: around.created,
    enableIPv4: true,
    enableIPv6: options.ipv6,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    // As Docker lists them: what was asked for stands before what was chosen.
    ipam: {
      driver: "default",
      options: null,
      pools: pools.toSorted((a, b) => Number(a.automatic ?? false) - Number(b.automatic ?? false)),
    },
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": String(options.interContainerCommunication),
      "com.docker.network.bridge.enable_ip_masquerade": String(options.ipMasquerade),
      "com.docker.network.bridge.host_binding_ipv4": options.defaultHostAddress ?? "0.0.0.0",
      "com.docker.network.bridge.name": options.bridge ?? "docker0",
      "com.docker.network.driver.mtu": String(options.mtu),
    },
    labels: {},
  };
}

interface FamilyWishes {
  readonly address: string | undefined;
  readonly range: string | undefined;
  readonly gateway: string | undefined;
  readonly rangeFlag: string;
}

function wishesOf(family: Family, options: DefaultBridgeOptions): FamilyWishes {
  return family === 4
    ? {
        address: options.bip,
        range: options.fixedCidr,
        gateway: options.defaultGateway,
        rangeFlag: "--fixed-cidr",
      }
    : {
        address: options.bip6,
        range: options.fixedCidrV6,
        gateway: options.defaultGatewayV6,
        rangeFlag: "--fixed-cidr-v6",
      };
}

function bridgePool(
  family: Family,
  wishes: FamilyWishes,
  others: readonly Prefix[],
  { device, host, pools }: DefaultBridgeSurroundings,
): IpamPool {
  const range = wishes.range === undefined ? undefined : parsePrefix(wishes.range);
  const given = parseCidr(wishes.address ?? "") ?? addressOfDevice(family, device, range);
  const asked = given?.prefix ?? range;
  if (asked !== undefined && others.some((prefix) => overlaps(prefix, asked))) {
    throw failure("forbidden", {
      message: "invalid pool request: Pool overlaps with other one on this address space",
    });
  }
  const taken = [...others, ...host.flatMap((text) => parseCidr(text)?.prefix ?? [])];
  const subnet = asked ?? choosePool(family, pools, taken);
  if (range !== undefined && !containsPrefix(subnet, range)) {
    const message = `${wishes.rangeFlag} ${formatPrefix(range)}: it doesn't lie in the bridge's subnet ${formatPrefix(subnet)}`;
    throw failure("invalid-parameter", { message });
  }
  const pool: AskedPool = {
    subnet,
    ...(range === undefined ? {} : { range }),
    ...(given === undefined ? {} : { gateway: given.address }),
    auxiliary: auxiliaryOf(family, wishes.gateway, subnet, given?.address.value),
  };
  const settled = settlePool(pool, true);
  if (asked !== undefined) return settled;
  const { gatewayChosen: _, ...chosen } = settled;
  return { ...chosen, automatic: true };
}

/** The device's own address of this family; the one that `range` lies near, if it has several. */
function addressOfDevice(
  family: Family,
  device: readonly string[],
  range: Prefix | undefined,
): ReturnType<typeof parseCidr> {
  const found = device.flatMap((text) => parseCidr(text) ?? []);
  const own = found.filter(({ address }) => address.family === family && !isLinkLocal(address.value, family));
  return own.find(({ prefix }) => range !== undefined && containsPrefix(prefix, range)) ?? own[0];
}

/** Every IPv6 device has an address in `fe80::/10`. */
function isLinkLocal(value: bigint, family: Family): boolean {
  return family === 6 && value >> 118n === 0xfe80n >> 6n;
}

function auxiliaryOf(
  family: Family,
  text: string | undefined,
  subnet: Prefix,
  bridge: bigint | undefined,
): AskedPool["auxiliary"] {
  const address = text === undefined ? undefined : parseAddress(text);
  if (address === undefined || address.value === bridge) return new Map();
  const name = defaultGatewayNames[family];
  if (containsAddress(subnet, address)) return new Map([[name, address]]);
  const message = `auxiliary address: (${name}:${text}) must belong to the master pool: ${formatPrefix(subnet)}`;
  throw failure("invalid-parameter", { message });
}
