/**
 * A container's networks as Docker's JSON: `NetworkSettings` of inspect, `Ports` and `Networks` of the list.
 * @module
 */
import {
  foreignExit,
  isForeign,
  parseContainerPort,
  prefixLength,
  type Endpoint,
  type NetworkRecord,
} from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import type { ContainerNetwork } from "./container.ts";
import type { EndpointSettings } from "./container-types.ts";
import { hasOwnNetwork } from "./endpoint-requests.ts";
import type { Json } from "./engine.ts";
import type { NetworkStore } from "./network-store.ts";

/** Where an endpoint's packets of a family leave its subnet, and that subnet's bits. */
function poolOf(
  network: NetworkRecord,
  endpoint: Endpoint,
  isIPv6: boolean,
): { gateway: string; prefix: number } {
  const pool = network.ipam.pools.find(({ subnet }) => subnet.includes(":") === isIPv6);
  const gateway = isForeign(network)
    ? foreignExit(endpoint, isIPv6)?.via
    : network.internal
      ? undefined
      : pool?.gateway;
  const address = isIPv6 ? endpoint.ipv6 : endpoint.ipv4;
  return {
    gateway: gateway ?? "",
    prefix: address === undefined ? 0 : prefixLength(network, endpoint, address),
  };
}

const nothing = {
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
};

/** What an endpoint has, in Docker's fields. */
function addressesJson(endpoint: Endpoint | undefined, network: NetworkRecord | undefined): typeof nothing {
  if (endpoint === undefined || network === undefined) return nothing;
  const { ipv4, ipv6, id } = endpoint;
  const pool4 = poolOf(network, endpoint, false);
  const pool6 = poolOf(network, endpoint, true);
  return {
    EndpointID: id,
    Gateway: ipv4 === undefined ? "" : pool4.gateway,
    IPAddress: ipv4 ?? "",
    IPPrefixLen: ipv4 === undefined ? 0 : pool4.prefix,
    IPv6Gateway: ipv6 === undefined ? "" : pool6.gateway,
    GlobalIPv6Address: ipv6 ?? "",
    GlobalIPv6PrefixLen: ipv6 === undefined ? 0 : pool6.prefix,
  };
}

/** Names by which others on a network that users made find the container; on Docker's own there are none. */
export function dnsNames(
  container: Container,
  name: string,
  { Aliases: aliases }: EndpointSettings,
): string[] | null {
  if (name === "bridge") return null;
  const { Hostname } = container.record.config;
  const short = container.id.slice(0, 12);
  return [...new Set([container.name, ...(aliases ?? []), short, ...(Hostname === "" ? [] : [Hostname])])];
}

function endpointJson(
  store: NetworkStore,
  container: Container,
  entry: ContainerNetwork,
  whole: boolean,
): Json {
  const { name, settings } = entry;
  const network = store.byName(name);
  const endpoint = store.endpointsOf(container.id).find((other) => other.network === network?.id);
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: settings.Links ?? null,
    Aliases: whole ? (settings.Aliases ?? null) : null,
    MacAddress: endpoint?.mac ?? "",
    DriverOpts: settings.DriverOpts ?? null,
    GwPriority: settings.GwPriority ?? 0,
    NetworkID: network?.id ?? "",
    ...addressesJson(endpoint, network),
    DNSNames: whole ? dnsNames(container, name, settings) : null,
  };
}

/** Docker's `Networks`; predefined networks without addresses have an empty endpoint. `whole`: as inspect shows them. */
export function networksJson(store: NetworkStore, container: Container, whole: boolean): Json {
  const { NetworkMode: mode } = container.record.hostConfig;
  if (mode.startsWith("container:")) return {};
  if (!hasOwnNetwork(mode)) {
    const endpoint = endpointJson(store, container, { name: mode, settings: {} }, whole);
    return { [mode]: whole ? { ...endpoint, DNSNames: null } : endpoint };
  }
  return Object.fromEntries(
    container.state.networks.map((entry) => [entry.name, endpointJson(store, container, entry, whole)]),
  );
}

/** The fields of the default bridge's endpoint, which Docker shows once more beside `Networks`. */
export function legacyJson(store: NetworkStore, container: Container): Json {
  const network = store.byName("bridge");
  const endpoint = store.endpointsOf(container.id).find((other) => other.network === network?.id);
  return { ...addressesJson(endpoint, network), MacAddress: endpoint?.mac ?? "" };
}

interface ShownPort {
  readonly protocol: string;
  readonly containerPort: number;
  readonly address?: string;
  readonly hostPort?: number;
}

/** Each published port, and each exposed one that isn't. */
function shownPorts(store: NetworkStore, container: Container): ShownPort[] {
  const shown: ShownPort[] = [];
  if (!container.running) return shown;
  const { hostConfig, config } = container.record;
  const endpoints = store.endpointsOf(container.id);
  if (endpoints.length === 0 && config.ExposedPorts === undefined) return shown;
  const published = new Set<string>();
  for (const { ports } of endpoints) {
    for (const { protocol, hostAddress, hostPort, containerPort, count } of ports) {
      for (let i = 0; i < count; i++) {
        published.add(`${containerPort + i}/${protocol}`);
        shown.push({
          protocol,
          containerPort: containerPort + i,
          address: hostAddress,
          ...(hostPort === 0 ? {} : { hostPort: hostPort + i }),
        });
      }
    }
  }
  if (!hasOwnNetwork(hostConfig.NetworkMode)) return shown;
  // What is exposed is the drivers' to say: the bridge's alone does, where something can come in.
  const networks = endpoints.map(({ network }) => store.byId(network));
  if (!networks.some((network) => network?.driver === "bridge" && !network.internal)) return shown;
  for (const spec of Object.keys(config.ExposedPorts ?? {})) {
    const { port, protocol } = parseContainerPort(spec);
    if (published.has(`${port}/${protocol}`)) continue;
    shown.push({ protocol, containerPort: port });
  }
  return shown;
}

/** `Ports` of inspect: `80/tcp` → where it is published, or null. */
export function portMapJson(store: NetworkStore, container: Container): Json {
  const map: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const { protocol, containerPort, address, hostPort } of shownPorts(store, container)) {
    const key = `${containerPort}/${protocol}`;
    if (address === undefined) map[key] ??= null;
    else (map[key] ??= []).push({ HostIp: address, HostPort: String(hostPort ?? "") });
  }
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `Ports` of the list. */
export function portListJson(store: NetworkStore, container: Container): Json[] {
  const ports = shownPorts(store, container);
  if (ports.length === 0) return [];
  return ports
    .sort(
      (a, b) =>
        a.containerPort - b.containerPort || compare(a.protocol, b.protocol) || compare(a.address, b.address),
    )
    .map(({ protocol, containerPort, address, hostPort }) => ({
      ...(address === undefined ? {} : { IP: address }),
      PrivatePort: containerPort,
      ...(hostPort === undefined ? {} : { PublicPort: hostPort }),
      Type: protocol,
    }));
}

/** By code units, so that IPv4 comes before IPv6: clients show the first address of a port. */
function compare(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Ports as the filters `expose` and `publish` compare them. */
export function filterPorts(
  store: NetworkStore,
  container: Container,
): { readonly private: string; readonly public?: string }[] {
  return shownPorts(store, container).map(({ protocol, containerPort, hostPort }) => ({
    private: `${containerPort}/${protocol}`,
    ...(hostPort === undefined ? {} : { public: `${hostPort}/${protocol}` }),
  }));
}
