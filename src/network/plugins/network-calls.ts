/**
 * What a network plugin is asked (libnetwork's remote driver API: NetworkDriver.*).
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { prefixLength } from "../links/interface.ts";
import type { PortRequest } from "../ports/requests.ts";
import type { Endpoint, ForeignEndpoint, ForeignRoute, IpamPool, NetworkRecord } from "../types.ts";
import type { Plugin } from "../../plugins/mod.ts";

const GENERIC = "com.docker.network.generic";
const PORT_MAP = "com.docker.network.portmap";
const EXPOSED = "com.docker.network.endpoint.exposedports";
const MAC = "com.docker.network.endpoint.macaddress";
/** IANA's numbers. */
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;
/** `RouteType` of a destination that is on the link. */
const CONNECTED = 1;

type Answer = Readonly<Record<string, unknown>>;

/** What an endpoint is made with beside what is in its row. */
export interface PluginEndpointRequest {
  readonly network: NetworkRecord;
  readonly endpoint: Endpoint;
  /** MAC address that the user asked for. */
  readonly mac: string | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly ports: readonly PortRequest[];
  /** Opaque; stands for the container's namespace, which is made later. */
  readonly sandboxKey: string;
}

/** What the plugin made. */
export interface PluginEndpoint {
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly mac: string;
  readonly foreign: ForeignEndpoint;
  /** The interface's name in the container, or what it begins with. */
  readonly name?: string;
  readonly prefix: string;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function lengthOf(pool: IpamPool): string {
  return pool.subnet.split("/")[1] ?? "";
}

function poolData(pool: IpamPool): object {
  const length = lengthOf(pool);
  const auxiliary = Object.entries(pool.auxiliary ?? {}).map(([name, a]) => [name, `${a}/${length}`]);
  return {
    AddressSpace: "LocalDefault",
    Pool: pool.subnet,
    ...(pool.gateway === undefined ? {} : { Gateway: `${pool.gateway}/${length}` }),
    AuxAddresses: Object.fromEntries(auxiliary) as object,
  };
}

/** What the plugin says its networks span: `local` or `global`. */
export async function pluginScope(plugin: Plugin): Promise<string> {
  const { Scope } = await plugin.call("NetworkDriver.GetCapabilities", {});
  const scope = textOf(Scope).toLowerCase();
  if (scope === "local" || scope === "global") return scope;
  throw failure("internal", { message: `invalid capability: expecting 'local' or 'global', got ${scope}` });
}

/** Tells the plugin of a new network. */
export async function createNetwork(plugin: Plugin, network: NetworkRecord): Promise<void> {
  const { id, options, internal, enableIPv4, enableIPv6, ipam } = network;
  const data = (isIPv6: boolean): object[] =>
    ipam.pools.filter(({ subnet }) => subnet.includes(":") === isIPv6).map(poolData);
  await plugin.call("NetworkDriver.CreateNetwork", {
    NetworkID: id,
    Options: {
      "com.docker.network.enable_ipv4": enableIPv4,
      "com.docker.network.enable_ipv6": enableIPv6,
      ...(internal ? { "com.docker.network.internal": true } : {}),
      [GENERIC]: options,
    },
    IPv4Data: data(false),
    IPv6Data: data(true),
  });
}

/** Tells the plugin that a network is gone. */
export async function deleteNetwork(plugin: Plugin, { id }: NetworkRecord): Promise<void> {
  await plugin.call("NetworkDriver.DeleteNetwork", { NetworkID: id });
}

/** One entry for each port: the plugins' API knows ranges of host ports, and none of containers'. */
function portMap(ports: readonly PortRequest[]): object[] {
  return eachPort(ports).map(({ protocol, containerPort, hostAddress, hostFirst, hostLast }) => ({
    Proto: protocols[protocol],
    IP: "",
    Port: containerPort,
    HostIP: hostAddress,
    HostPort: hostFirst,
    HostPortEnd: hostLast,
  }));
}

/** Requests of one port each. */
export function eachPort(ports: readonly PortRequest[]): PortRequest[] {
  return ports.flatMap((port) =>
    Array.from({ length: port.count }, (_, i) => ({
      ...port,
      count: 1,
      containerPort: port.containerPort + i,
      hostFirst: port.count === 1 ? port.hostFirst : port.hostFirst + i,
      hostLast: port.count === 1 ? port.hostLast : port.hostFirst + i,
    })),
  );
}

/** Has the plugin make an endpoint and join the container to it. If it fails, what was made is left to {@link leavePlugin}. */
export async function joinPlugin(plugin: Plugin, request: PluginEndpointRequest): Promise<PluginEndpoint> {
  const { network, endpoint, mac, options, ports, sandboxKey } = request;
  const { network: NetworkID, id: EndpointID, ipv4, ipv6 } = endpoint;
  const whole = (address: string | undefined): string =>
    address === undefined ? "" : `${address}/${prefixLength(network, endpoint, address)}`;
  const all = {
    ...options,
    [PORT_MAP]: portMap(ports),
    [EXPOSED]: eachPort(ports).map(({ protocol, containerPort }) => ({
      Proto: protocols[protocol],
      Port: containerPort,
    })),
  };
  const given = {
    Address: whole(ipv4),
    AddressIPv6: whole(ipv6),
    MacAddress: mac ?? "",
  };
  const created = await plugin.call("NetworkDriver.CreateEndpoint", {
    NetworkID,
    EndpointID,
    Options: all,
    Interface: given,
  });
  const chosen = interfaceOf(given, created);
  const which = { NetworkID, EndpointID };
  const joined = await plugin.call("NetworkDriver.Join", { ...which, SandboxKey: sandboxKey, Options: all });
  const told = await plugin.tryCall("NetworkDriver.EndpointOperInfo", which);
  await plugin.tryCall("NetworkDriver.ProgramExternalConnectivity", { ...which, Options: all });
  return readEndpoint(chosen, joined, told);
}

interface GivenInterface {
  readonly Address: string;
  readonly AddressIPv6: string;
  readonly MacAddress: string;
}

/** What the plugin adds to what it was given, which it can't change. */
function interfaceOf(given: GivenInterface, created: Answer): GivenInterface {
  const answered = (created["Interface"] ?? {}) as Partial<GivenInterface>;
  const pick = (key: keyof GivenInterface, what: string): string => {
    const value = textOf(answered[key]);
    if (value === "" || value === given[key]) return given[key];
    if (given[key] === "") return value;
    const message = `failed to set ${what}: endpoint interface ${what} present (${given[key]}). Cannot be modified with ${value}.`;
    throw failure("forbidden", { message });
  };
  return {
    Address: pick("Address", "IP"),
    AddressIPv6: pick("AddressIPv6", "IPv6"),
    MacAddress: pick("MacAddress", "MAC address"),
  };
}

function readEndpoint(chosen: GivenInterface, joined: Answer, told: Answer | undefined): PluginEndpoint {
  const [ipv4, prefix4] = splitAddress(chosen.Address);
  const [ipv6, prefix6] = splitAddress(chosen.AddressIPv6);
  const name = (joined["InterfaceName"] ?? {}) as Answer;
  const routes = (Array.isArray(joined["StaticRoutes"]) ? joined["StaticRoutes"] : []) as Answer[];
  const link = textOf(name["SrcName"]);
  const gateway4 = textOf(joined["Gateway"]);
  const gateway6 = textOf(joined["GatewayIPv6"]);
  const own = textOf(name["DstName"]);
  const operational = textOf(((told?.["Value"] ?? {}) as Answer)[MAC]);
  return {
    mac: chosen.MacAddress === "" ? operational : chosen.MacAddress,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    foreign: {
      asked: true,
      ...(link === "" ? {} : { link }),
      ...(prefix4 === undefined ? {} : { prefix4 }),
      ...(prefix6 === undefined ? {} : { prefix6 }),
      ...(gateway4 === "" ? {} : { gateway4 }),
      ...(gateway6 === "" ? {} : { gateway6 }),
      routes: routes.map(readRoute),
    },
    ...(own === "" ? {} : { name: own }),
    prefix: textOf(name["DstPrefix"]) || "eth",
  };
}

function readRoute(route: Answer): ForeignRoute {
  const via = textOf(route["NextHop"]);
  const destination = textOf(route["Destination"]);
  return { destination, ...(via === "" || route["RouteType"] === CONNECTED ? {} : { via }) };
}

/** `10.1.2.3/24` → its parts. */
export function splitAddress(text: string): [string, number] | [undefined, undefined] {
  if (text === "") return [undefined, undefined];
  const [address = "", length] = text.split("/");
  return [address, Number(length ?? (address.includes(":") ? 128 : 32))];
}

/** Undoes an endpoint. Everything is tried; the last error is thrown. */
export async function leavePlugin(plugin: Plugin, endpoint: Endpoint): Promise<void> {
  const which = { NetworkID: endpoint.network, EndpointID: endpoint.id };
  const results = [];
  for (const method of ["RevokeExternalConnectivity", "Leave", "DeleteEndpoint"]) {
    results.push(...(await Promise.allSettled([plugin.tryCall(`NetworkDriver.${method}`, which)])));
  }
  const failed = results.findLast(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}
