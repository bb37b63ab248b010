/**
 * What the resolver is told of containers on networks that users made: who is where, under which names.
 * @module
 */
import type { DnsChange, DnsContainer, DnsEndpoint, NetworkRecord, ResolverClient } from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import { dnsNames } from "./endpoint-json.ts";
import type { Place } from "./endpoints.ts";
import { isUserDefined, type NetworkContext } from "./network-context.ts";

/** Whether names are answered for whoever is on these places. */
export function hasResolver(places: readonly Place[]): boolean {
  return places.some(({ network }) => isUserDefined(network));
}

function settingsOn(
  { state }: Container,
  network: NetworkRecord,
): Container["state"]["networks"][number]["settings"] {
  return state.networks.find(({ name }) => name === network.name)?.settings ?? {};
}

function dnsEndpoint(container: Container, { network, endpoint }: Place): DnsEndpoint {
  const { id, ipv4, ipv6 } = endpoint;
  return {
    id,
    network: network.id,
    container: container.id,
    names: dnsNames(container, network.name, settingsOn(container, network)) ?? [],
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
  };
}

/** `db:alias` or `db` → alias: name. */
function linksOf(container: Container, network: NetworkRecord): Record<string, string> {
  const entries = (settingsOn(container, network).Links ?? []).map((link) => {
    const [name = "", alias = name] = link.split(":");
    return [alias, name];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Servers that a network's plugins named in place of the host's. */
function foreignServers(places: readonly Place[]): readonly string[] | null {
  const servers = places.flatMap(({ endpoint }) => endpoint.foreign?.servers ?? []);
  return servers.length === 0 ? null : servers;
}

function dnsContainer(
  networks: NetworkContext,
  container: Container,
  places: readonly Place[],
): DnsContainer {
  const { Dns, DnsOptions } = networks.dnsOf(container.record.hostConfig);
  const ndots = (DnsOptions ?? []).map((option) => /^ndots:(\d+)$/.exec(option)?.[1]).findLast(Boolean);
  return {
    id: container.id,
    networks: places.map(({ network }) => network.id),
    links: Object.fromEntries(places.map(({ network }) => [network.id, linksOf(container, network)])),
    servers: Dns === null || Dns.length === 0 ? foreignServers(places) : Dns,
    ndots: Number(ndots ?? 0),
  };
}

/** All that the resolver must know of one container. */
export function changesFor(
  networks: NetworkContext,
  container: Container,
  places: readonly Place[],
): DnsChange[] {
  const named = places.filter(({ network }) => isUserDefined(network));
  if (named.length === 0) return [];
  return [
    ...named.map((place): DnsChange => ({ op: "endpoint", endpoint: dnsEndpoint(container, place) })),
    { op: "container", container: dnsContainer(networks, container, named) },
  ];
}

/** The places are over. `gone`: the container doesn't ask any more either. */
export function forgetPlaces(resolver: ResolverClient, places: readonly Place[], gone?: Container): void {
  for (const { network, endpoint } of places) {
    if (isUserDefined(network)) resolver.apply({ op: "endpoint-gone", id: endpoint.id });
  }
  if (gone !== undefined && hasResolver(places)) resolver.apply({ op: "container-gone", id: gone.id });
}
