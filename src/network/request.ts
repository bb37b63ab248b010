/**
 * `POST /networks/create`: a body becomes the record of a network, or a refusal in Docker's words. Pure: what else there
 * is comes as data.
 * @module
 */
import { failure, goQuoted } from "../errors/mod.ts";
import { overlaps, parsePrefix, type Family, type Prefix } from "./ipam/addresses.ts";
import {
  askedPool,
  configOf,
  readIpamConfig,
  settlePool,
  type AskedPool,
  type IpamConfigBody,
} from "./ipam/config.ts";
import { choosePool, type DefaultPool } from "./ipam/pools.ts";
import type { IpamPool, NetworkIpam, NetworkRecord } from "./types.ts";

type Texts = Readonly<Record<string, string>>;

/** The body; any field may be absent. */
export interface NetworkBody {
  readonly Name?: string;
  readonly Driver?: string;
  readonly Scope?: string;
  readonly Internal?: boolean;
  readonly Attachable?: boolean;
  readonly Ingress?: boolean;
  readonly ConfigOnly?: boolean;
  readonly ConfigFrom?: { readonly Network?: string } | null;
  readonly IPAM?: {
    readonly Driver?: string;
    readonly Config?: readonly IpamConfigBody[] | null;
    readonly Options?: Texts | null;
  } | null;
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6?: boolean;
  readonly Options?: Texts | null;
  readonly Labels?: Texts | null;
}

/** What a driver says of a network's options. */
export interface DriverVerdict {
  /** Whether a subnet needs a gateway of which the user says nothing (not in `gateway_mode` isolated, not in ipvlan l3). */
  readonly gateway4: boolean;
  readonly gateway6: boolean;
}

/** What a request is judged by. */
export interface NetworkSurroundings {
  readonly existing: readonly NetworkRecord[];
  /** Prefixes of the host's addresses, routes and name servers: automatic subnets keep away from them. */
  readonly host: readonly string[];
  readonly pools: readonly DefaultPool[];
  /** Options that networks of a driver get when nothing is said (`--default-network-opt`). */
  readonly defaultOptions: Readonly<Record<string, Texts>>;
  /** Drivers of which users may make networks: `bridge`, `macvlan`, `ipvlan`, plugins. */
  readonly drivers: ReadonlySet<string>;
  /** Checks the driver's own options; throws what is wrong with them. */
  readonly checkOptions: (network: NetworkRecord) => DriverVerdict;
  /** Subnets that somebody else has decided on: a plugin of addresses, CNI (none). */
  readonly given?: readonly IpamPool[];
  /** 64 random hexadecimal digits. */
  readonly id: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
}

/** A network that may be written down, and what the client is told besides. */
export interface NetworkDraft {
  readonly record: NetworkRecord;
  readonly warning: string;
}

const predefinedNames: ReadonlySet<string> = new Set(["bridge", "host", "none", "default"]);

/** Whether this is the name of a network that every engine has. */
export function isPredefined(name: string): boolean {
  return predefinedNames.has(name);
}

/**
 * Makes the record.
 * @throws invalid-parameter, forbidden, conflict, not-found, internal with Docker's texts
 */
export function draftNetwork(body: NetworkBody, around: NetworkSurroundings): NetworkDraft {
  const name = body.Name ?? "";
  if (isPredefined(name)) throw forbidden(`operation is not permitted on predefined ${name} network `);
  const asked = withDefaults(body, around);
  readIpamConfig(asked.configs);
  if (name.trim() === "") throw failure("invalid-parameter", { message: "invalid name: name is empty" });
  if (around.existing.some((network) => network.name === name)) {
    throw failure("conflict", { message: `network with name ${name} already exists` });
  }
  checkOperatorFields(body);
  if (body.ConfigOnly === true) return { record: configOnlyRecord(asked, body, around), warning: "" };
  const from = configFrom(body, around.existing);
  const settings = from === undefined ? asked : settingsOf(from);
  checkDriver(asked.driver, around);
  checkScope(body.Scope ?? "");
  return settle({ ...settings, driver: asked.driver }, body, around);
}

/** The part of a network that a configuration network can bring. */
interface Settings {
  readonly driver: string;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly ipamDriver: string;
  readonly ipamOptions: Texts | null;
  readonly configs: readonly IpamConfigBody[];
  readonly options: Texts;
  readonly labels: Texts;
}

function withDefaults(body: NetworkBody, around: NetworkSurroundings): Settings {
  const driver = body.Driver || "bridge";
  const options = { ...around.defaultOptions[driver], ...body.Options };
  const option = (name: string): boolean | undefined => {
    const value = options[`com.docker.network.${name}`];
    return value === undefined ? undefined : readBool(`com.docker.network.${name}`, value);
  };
  return {
    driver,
    enableIPv4: body.EnableIPv4 ?? option("enable_ipv4") ?? true,
    enableIPv6: body.EnableIPv6 ?? option("enable_ipv6") ?? false,
    ipamDriver: body.IPAM?.Driver || "default",
    ipamOptions: body.IPAM?.Options ?? null,
    configs: body.IPAM?.Config ?? [],
    options,
    labels: { ...body.Labels },
  };
}

function readBool(option: string, value: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  const message = `driver-opt ${JSON.stringify(option)} is not a valid bool`;
  throw failure("invalid-parameter", { message });
}

/** What whoever runs a network says of it, which a configuration for others can't have. */
function checkOperatorFields(body: NetworkBody): void {
  const { Scope = "", Ingress, ConfigOnly, Internal, Attachable, ConfigFrom } = body;
  if (ConfigOnly === true) {
    if (Ingress === true || Internal === true || Attachable === true || Scope !== "") {
      throw forbidden(
        "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.",
      );
    }
    if ((ConfigFrom?.Network ?? "") !== "") {
      throw forbidden("a configuration network cannot depend on another configuration network");
    }
  }
  if (Ingress === true) throw forbidden("Ingress network can only be global scope network");
}

function checkScope(scope: string): void {
  if (scope === "swarm") throw forbidden("cannot create a swarm scoped network when swarm is not active");
  if (scope !== "" && scope !== "local")
    throw failure("not-implemented", { what: `a network of scope ${scope}` });
}

function configOnlyRecord(asked: Settings, body: NetworkBody, around: NetworkSurroundings): NetworkRecord {
  return recordOf({ ...asked, driver: "null" }, body, around, readIpamConfig(asked.configs).map(askedPool));
}

/** The configuration network that the body names. */
function configFrom(body: NetworkBody, existing: readonly NetworkRecord[]): NetworkRecord | undefined {
  const name = body.ConfigFrom?.Network ?? "";
  if (name === "") return undefined;
  const { IPAM: ipam } = body;
  const has = (texts: object | null | undefined): boolean => Object.keys(texts ?? {}).length > 0;
  if (has(body.Options)) {
    throw forbidden(
      "network driver options are not supported if the network depends on a configuration network",
    );
  }
  const own =
    has(body.Labels) ||
    has(ipam?.Options) ||
    (ipam?.Config ?? []).length > 0 ||
    !["", "default"].includes(ipam?.Driver ?? "") ||
    body.EnableIPv4 === false ||
    body.EnableIPv6 === true;
  if (own) {
    throw forbidden(
      "user specified configurations are not supported if the network depends on a configuration network",
    );
  }
  const found = existing.find(
    (network) => network.configOnly && (network.name === name || network.id === name),
  );
  if (found !== undefined) return found;
  throw failure("not-found", { message: `configuration network ${JSON.stringify(name)} does not exist` });
}

function settingsOf({ driver, enableIPv4, enableIPv6, ipam, options, labels }: NetworkRecord): Settings {
  return {
    driver,
    enableIPv4,
    enableIPv6,
    ipamDriver: ipam.driver,
    ipamOptions: ipam.options,
    configs: ipam.pools.map(configOf),
    options,
    labels,
  };
}

function checkDriver(driver: string, { drivers }: NetworkSurroundings): void {
  if (driver === "host" || driver === "null") {
    throw forbidden(`only one instance of ${JSON.stringify(driver)} network is allowed`);
  }
  if (drivers.has(driver)) return;
  if (driver === "overlay") {
    throw forbidden(
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  }
  throw failure("not-found", { message: `plugin ${goQuoted(driver)} not found` });
}

/** Decides the subnets and makes the record. */
function settle(settings: Settings, body: NetworkBody, around: NetworkSurroundings): NetworkDraft {
  const { driver, enableIPv4, enableIPv6 } = settings;
  const enabled = (family: Family): boolean => (family === 4 ? enableIPv4 : enableIPv6);
  const asked = readIpamConfig(settings.configs);
  const verdict = around.checkOptions(recordOf(settings, body, around, asked.map(askedPool)));
  if (driver === "bridge" && !enableIPv4 && !enableIPv6) {
    throw failure("invalid-parameter", { message: "IPv4 or IPv6 must be enabled" });
  }
  if (around.given !== undefined)
    return { record: recordOf(settings, body, around, around.given), warning: "" };
  checkIpamDriver(settings);
  const others = around.existing
    .filter((network) => !network.configOnly)
    .flatMap(({ ipam }) => subnetsOf(ipam));
  const used = asked.filter(({ subnet }) => enabled(subnet.family));
  checkOverlap(used, others);
  const wantsGateway = (family: Family): boolean => (family === 4 ? verdict.gateway4 : verdict.gateway6);
  const pools = used.map((pool) => settlePool(pool, wantsGateway(pool.subnet.family)));
  const taken = [
    ...others,
    ...used.map(({ subnet }) => subnet),
    ...around.host.flatMap((t) => parsePrefix(t) ?? []),
  ];
  for (const family of [4, 6] as const) {
    if (!enabled(family) || used.some(({ subnet }) => subnet.family === family)) continue;
    if (settings.ipamDriver === "null") continue;
    pools.push(automaticPool(choosePool(family, around.pools, taken), wantsGateway(family)));
  }
  if (driver === "bridge") checkOneSubnet(used);
  return {
    record: recordOf(settings, body, around, pools),
    warning: unusedWarning(asked.filter((pool) => !used.includes(pool))),
  };
}

function automaticPool(subnet: Prefix, gatewayWanted: boolean): IpamPool {
  const { gatewayChosen: _, ...pool } = settlePool({ subnet, auxiliary: new Map() }, gatewayWanted);
  return { ...pool, automatic: true };
}

function checkIpamDriver({ ipamDriver, enableIPv4, enableIPv6 }: Settings): void {
  if (ipamDriver === "default") return;
  if (ipamDriver !== "null") {
    throw failure("not-found", { message: `plugin ${goQuoted(ipamDriver)} not found` });
  }
  if (!enableIPv4 && !enableIPv6) return;
  throw failure("invalid-parameter", { message: `ipv${enableIPv4 ? 4 : 6} pool is empty` });
}

function subnetsOf({ pools }: NetworkIpam): Prefix[] {
  // What plugins give out is of another book.
  return pools.flatMap(({ subnet, poolId }) => (poolId === undefined ? (parsePrefix(subnet) ?? []) : []));
}

function checkOverlap(asked: readonly AskedPool[], others: readonly Prefix[]): void {
  const taken = [...others];
  for (const { subnet } of asked) {
    if (taken.some((prefix) => overlaps(prefix, subnet))) {
      throw forbidden("invalid pool request: Pool overlaps with other one on this address space");
    }
    taken.push(subnet);
  }
}

function checkOneSubnet(pools: readonly AskedPool[]): void {
  for (const family of [4, 6]) {
    if (pools.filter(({ subnet }) => subnet.family === family).length > 1) {
      throw forbidden("bridge driver doesn't support multiple subnets");
    }
  }
}

function unusedWarning(pools: readonly AskedPool[]): string {
  const texts = pools.map((pool) => askedPool(pool).subnet);
  return texts.length === 0
    ? ""
    : `subnet ${texts.join(", ")} is not used: its address family is not enabled`;
}

function recordOf(
  settings: Settings,
  body: NetworkBody,
  { id, created }: NetworkSurroundings,
  pools: readonly IpamPool[],
): NetworkRecord {
  const { driver, enableIPv4, enableIPv6, ipamDriver, ipamOptions, options, labels } = settings;
  return {
    id,
    name: body.Name ?? "",
    driver,
    created,
    enableIPv4,
    enableIPv6,
    internal: body.Internal ?? false,
    attachable: body.Attachable ?? false,
    ingress: false,
    configOnly: body.ConfigOnly ?? false,
    configFrom: body.ConfigFrom?.Network ?? "",
    ipam: { driver: ipamDriver, options: ipamOptions, pools },
    options,
    labels,
  };
}

function forbidden(message: string): Error {
  return failure("forbidden", { message });
}
