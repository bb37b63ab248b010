/**
 * A container's places on its networks for one run: decided and taken in one transaction before it starts, given back
 * when it has ended.
 * @module
 */
import { randomBytes } from "node:crypto";
import { failure, inContext, messageOf } from "../errors/mod.ts";
import {
  endpointSysctls,
  foreignExit,
  hostPorts,
  interfaceIndexOf,
  interfacePrefix,
  isForeign,
  portRequests,
  publishPorts,
  readBridgeOptions,
  type Endpoint,
  type EndpointRequest,
  type NetworkRecord,
  type PortRequest,
  type Protocol,
} from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import type { ContainerConfig, HostConfig } from "./container-types.ts";
import { readRequest } from "./endpoint-requests.ts";
import { hasForeignAddresses, type Lease } from "./foreign-networks.ts";
import type { Services } from "./services.ts";

/** Doing something to a container's network, in the words of Docker's errors. */
export const SETTING_UP = "failed to set up container networking";

/** Why a container isn't on a network. */
export const CONFIG_ONLY = "cannot create endpoint on configuration-only network";

/** An endpoint and what it is on. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly network: NetworkRecord;
}

/** What decides about endpoints beside what the container asks for. */
export interface Asked {
  readonly network: NetworkRecord;
  readonly request: EndpointRequest;
  /** What there is already. */
  readonly endpoint?: Endpoint;
}

/** Random and locally administered (IEEE 802, section 8.4), as the kernel's own are. */
export function randomMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The networks of `container`, found. */
export function askedNetworks({ networks }: Services, container: Container): Asked[] {
  return container.state.networks.map((entry) => {
    const network = networks.store.lookUp(entry.name);
    if (network === undefined) throw inContext(SETTING_UP, failure("no-such-network", { name: entry.name }));
    if (network.configOnly) throw inContext(SETTING_UP, failure("forbidden", { message: CONFIG_ONLY }));
    return { network, request: readRequest(network, entry.settings) };
  });
}

/** What the container's interface shall be called; undefined: that is the engine's business. */
export function interfaceName({ driverOptions }: EndpointRequest): string | undefined {
  return driverOptions?.["com.docker.network.endpoint.ifname"] || undefined;
}

/**
 * Of several networks that lead out the one with the highest priority, then one that leads out by both families, then the
 * first by name.
 */
function gatewayOf(asked: readonly Asked[], isIPv6: boolean): string | undefined {
  const candidates = asked
    .filter((one) => hasGateway(one, isIPv6))
    .sort(
      (a, b) =>
        b.request.gatewayPriority - a.request.gatewayPriority ||
        Number(hasGateway(b, !isIPv6)) - Number(hasGateway(a, !isIPv6)) ||
        (a.network.name < b.network.name ? -1 : 1),
    );
  return candidates[0]?.network.id;
}

/** Ids of the networks by which a container's packets leave. */
function gateways(asked: readonly Asked[]): { gateway4: string | undefined; gateway6: string | undefined } {
  return { gateway4: gatewayOf(asked, false), gateway6: gatewayOf(asked, true) };
}

/** Of a container's places: which lead out, now that it is on other networks than before. */
export function placesWithGateways(
  services: Services,
  container: Container,
  places: readonly Place[] = placesOf(services, container),
): Place[] {
  const asked = askedNetworks(services, container).map((one): Asked => {
    const endpoint = places.find(({ network }) => network.id === one.network.id)?.endpoint;
    return endpoint === undefined ? one : { ...one, endpoint };
  });
  const { gateway4, gateway6 } = gateways(asked);
  return places.map(({ endpoint, network }) => ({
    network,
    endpoint: { ...endpoint, gateway4: network.id === gateway4, gateway6: network.id === gateway6 },
  }));
}

function hasGateway({ network, endpoint }: Asked, isIPv6: boolean): boolean {
  if (network.internal) return false;
  if (isForeign(network)) return endpoint !== undefined && foreignExit(endpoint, isIPv6) !== undefined;
  return network.ipam.pools.some(
    ({ subnet, gateway }) => gateway !== undefined && subnet.includes(":") === isIPv6,
  );
}

/** What a container wants to have published. `bindings`: in place of those that it was made with. */
export function wantedPorts(
  config: ContainerConfig,
  host: HostConfig,
  bindings: HostConfig["PortBindings"] = host.PortBindings,
): PortRequest[] {
  return portRequests({
    exposed: Object.keys(config.ExposedPorts ?? {}),
    bindings: bindings ?? {},
    publishAll: host.PublishAllPorts,
  });
}

/** What a container wants to have published now. */
export function requestedPorts({ record: { config, hostConfig }, state }: Container): PortRequest[] {
  return wantedPorts(config, hostConfig, state.ports);
}

/** A place on each of its networks for a container that is about to run; all of it, or an error and nothing. */
export function takePlaces(
  services: Services,
  container: Container,
  passing?: ReadonlyMap<Protocol, ReadonlySet<number>>,
  leases?: ReadonlyMap<string, Lease>,
): Place[] {
  const asked = askedNetworks(services, container);
  const places: Place[] = [];
  try {
    const { gateway4, gateway6 } = gateways(asked);
    const indices = new Map<string, number>();
    for (const [i, { network, request }] of asked.entries()) {
      const prefix = interfacePrefix(network);
      const number = indices.get(prefix) ?? 0;
      indices.set(prefix, number + 1);
      places.push(
        takePlace(
          services,
          container,
          { network, request },
          {
            interface: interfaceName(request) ?? `${prefix}${number}`,
            position: i,
            gateway4: network.id === gateway4,
            gateway6: network.id === gateway6,
          },
          leases?.get(network.id),
        ),
      );
    }
    return publish(services, container, places, passing);
  } catch (error) {
    givePlacesBack(services, places);
    throw inContext(SETTING_UP, error);
  }
}

/**
 * One place: addresses are taken, unless a plugin gave them, nothing is written. `position`: distinct among the
 * container's interfaces.
 */
export function takePlace(
  services: Services,
  container: Container,
  { network, request }: Asked,
  {
    position,
    ...chosen
  }: Pick<Endpoint, "interface" | "gateway4" | "gateway6"> & { readonly position: number },
  lease?: Lease,
): Place {
  if (network.driver === "ipvlan" && request.mac !== undefined) {
    const endpoint = `failed to create endpoint ${container.name} on network ${network.name}`;
    const message = `${endpoint}: ipvlan interfaces do not support custom mac address assignment`;
    throw failure("invalid-parameter", { message });
  }
  const { prefix4, prefix6, ...addresses } = lease ?? {
    ...services.networks.addresses.take(network, request),
    mac: request.mac ?? (isForeign(network) ? "" : randomMac()),
  };
  const id = randomBytes(32).toString("hex");
  const { sysctls } = endpointSysctls(request.driverOptions);
  return {
    network,
    endpoint: {
      id,
      network: network.id,
      container: container.id,
      ...addresses,
      ...chosen,
      interfaceIndex: interfaceIndexOf(network, id, position),
      ...(request.linkLocal === undefined ? {} : { linkLocal: request.linkLocal }),
      ...(sysctls.length === 0 ? {} : { sysctls }),
      ...(network.driver === "bridge"
        ? { hostLink: `veth${randomBytes(4).toString("hex").slice(0, 7)}` }
        : {}),
      ...(prefix4 === undefined && prefix6 === undefined
        ? {}
        : {
            foreign: {
              routes: [],
              ...(prefix4 === undefined ? {} : { prefix4 }),
              ...(prefix6 === undefined ? {} : { prefix6 }),
            },
          }),
      ports: [],
    },
  };
}

/** The endpoint by whose way ports are published: on the bridge that is the container's gateway. */
function publishingPlace(places: readonly Place[]): Place | undefined {
  const bridged = places.filter(({ network }) => network.driver === "bridge");
  return (
    bridged.find(({ endpoint }) => endpoint.gateway4) ?? bridged.find(({ endpoint }) => endpoint.gateway6)
  );
}

/** The same places, the publishing one with the container's ports. */
export function publish(
  { networks }: Services,
  container: Container,
  places: readonly Place[],
  passing?: ReadonlyMap<Protocol, ReadonlySet<number>>,
): Place[] {
  const requests = requestedPorts(container);
  const through = publishingPlace(places);
  if (requests.length === 0 || through === undefined) return [...places];
  const { endpoint, network } = through;
  const { gatewayMode4, gatewayMode6 } = readBridgeOptions(network);
  try {
    const ports = publishPorts(requests, networks.ports, {
      ipv4: endpoint.ipv4,
      ipv6: endpoint.ipv6,
      defaultAddresses: networks.publishedAddresses(network),
      userlandProxy: networks.options.userlandProxy,
      routed4: gatewayMode4 === "routed",
      routed6: gatewayMode6 === "routed",
      steered: networks.options.publishedPorts.respectHostFirewall,
      ...(passing === undefined ? {} : { taken: passing }),
    });
    return places.map((place) => (place === through ? { network, endpoint: { ...endpoint, ports } } : place));
  } catch (error) {
    const parameters = { endpoint: container.name, id: endpoint.id, reason: messageOf(error) };
    throw failure("no-connectivity", parameters, error);
  }
}

/** Addresses and ports are free again. */
export function givePlacesBack({ networks }: Services, places: readonly Place[]): void {
  for (const { network, endpoint } of places) {
    if (!hasForeignAddresses(network)) networks.addresses.release(network, endpoint);
    networks.ports.release(endpoint.ports.flatMap(hostPorts));
  }
}

/** The places of a container that runs. */
export function placesOf({ networks }: Services, container: Container): Place[] {
  return networks.store.endpointsOf(container.id).flatMap((endpoint) => {
    const network = networks.store.byId(endpoint.network);
    return network === undefined ? [] : [{ endpoint, network }];
  });
}
