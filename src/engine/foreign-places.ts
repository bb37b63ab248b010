/**
 * A container's places on networks that others make: what they are asked in the course of one run.
 * @module
 */
import { inContext } from "../errors/mod.ts";
import { isForeign, type EndpointRequest, type PortRequest } from "../network/mod.ts";
import { changesFor } from "./container-names.ts";
import type { Container } from "./container-store.ts";
import {
  askedNetworks,
  placesOf,
  placesWithGateways,
  randomMac,
  requestedPorts,
  SETTING_UP,
  type Asked,
  type Place,
} from "./endpoints.ts";
import type { ForeignRequest, Lease } from "./foreign-networks.ts";
import type { Services } from "./services.ts";

/** The addresses that plugins gave for a container's places, by the networks' ids. */
export type Leases = ReadonlyMap<string, Lease>;

/** Takes addresses from plugins for all networks of a container that have some; all of them, or an error and none. */
export async function takeLeases(services: Services, container: Container): Promise<Leases> {
  const { foreign } = services.networks;
  await foreign.settled(container.id);
  const asked = askedNetworks(services, container);
  const leases = new Map<string, Lease>();
  try {
    for (const one of asked) {
      const lease = await takeLease(services, one);
      if (lease !== undefined) leases.set(one.network.id, lease);
    }
    return leases;
  } catch (error) {
    giveLeasesBack(services, leases);
    throw inContext(SETTING_UP, error);
  }
}

/** The same for one network. */
export async function takeLease(services: Services, { network, request }: Asked): Promise<Lease | undefined> {
  return services.networks.foreign.lease(network, request, request.mac ?? randomMac());
}

/** Gives back what was taken for places that there won't be. Nobody waits for this. */
export function giveLeasesBack({ networks }: Services, leases: Leases): void {
  for (const [id, lease] of leases) {
    const network = networks.store.byId(id);
    if (network !== undefined) void networks.foreign.release(network, lease);
  }
}

/** Ports that a foreign network is asked to publish: all, if none of the engine's own does. */
function foreignPorts(container: Container, places: readonly Place[], place: Place): readonly PortRequest[] {
  const first = places.find(({ network }) => isForeign(network));
  const own = places.some(({ endpoint }) => endpoint.ports.length > 0);
  return own || first?.network.id !== place.network.id ? [] : requestedPorts(container);
}

function otherNames(places: readonly Place[], { endpoint }: Place): ReadonlySet<string> {
  return new Set(
    places.filter((other) => other.endpoint.id !== endpoint.id).map((other) => other.endpoint.interface),
  );
}

/** What a place on a foreign network is made with. */
function requestFor(
  services: Services,
  container: Container,
  places: readonly Place[],
  place: Place,
): ForeignRequest {
  const found = askedNetworks(services, container).find(({ network }) => network.id === place.network.id);
  const request = found?.request ?? { gatewayPriority: 0 };
  return { request, ports: foreignPorts(container, places, place), taken: otherNames(places, place) };
}

/** Notes that somebody is asked to make this place: should the engine be killed now, the next one has it undone. */
function noteAsked({ networks }: Services, { network, endpoint }: Place): Place {
  const foreign = { routes: [], ...endpoint.foreign, asked: true as const };
  const noted = { network, endpoint: { ...endpoint, foreign } };
  networks.store.replaceEndpoint(noted.endpoint);
  return noted;
}

/** Has plugins make a container's places, and decides anew which of all lead out. `places` is changed in place. */
export async function joinForeign(services: Services, container: Container, places: Place[]): Promise<void> {
  const { foreign, store } = services.networks;
  if (!places.some(({ network }) => isForeign(network))) return;
  for (const [i, place] of places.entries()) {
    if (!isForeign(place.network) || foreign.isLate(place)) continue;
    places[i] = noteAsked(services, place);
    places[i] = await foreign.join(places[i], requestFor(services, container, places, place));
  }
  for (const [i, place] of placesWithGateways(services, container, places).entries()) {
    places[i] = place;
    store.replaceEndpoint(place.endpoint);
  }
}

/** Has the plugin of one network of a running container make its place. */
export async function joinOneForeign(
  services: Services,
  container: Container,
  place: Place,
  request: EndpointRequest,
): Promise<Place> {
  const { foreign, store, live } = services.networks;
  if (!isForeign(place.network)) return place;
  const noted = noteAsked(services, place);
  const how = { request, ports: [], taken: otherNames(placesOf(services, container), place) };
  if (!foreign.isLate(place)) {
    const made = await foreign.join(noted, how);
    store.replaceEndpoint(made.endpoint);
    return made;
  }
  const { pid } = container.state;
  const made = await foreign.add(noted, pid, how);
  store.replaceEndpoint(made.endpoint);
  // By which network packets leave is decided with regard to all.
  await live.leadNowhere(pid, [made], { ipv4: true, ipv6: true });
  return made;
}

/** Keeps what plugins of CNI need to undo the places of containers that an earlier engine started. */
export function keepNamespaces(services: Services): void {
  for (const container of services.store.all()) {
    if (container.running) services.networks.foreign.keep(placesOf(services, container), container.state.pid);
  }
}

/** Whether some places are made while the container's process is held. */
export function hasLatePlaces({ networks }: Services, places: readonly Place[]): boolean {
  return places.some((place) => networks.foreign.isLate(place));
}

/**
 * Makes the places that need the namespace of the container's process, which is held; `places` is changed in place.
 * Where another network leads out, what the plugins did about that is undone.
 */
export async function addLatePlaces(
  services: Services,
  container: Container,
  places: Place[],
  pid: number,
): Promise<void> {
  const { foreign, store, resolver, live } = services.networks;
  const taken4 = places.some(({ endpoint }) => endpoint.gateway4);
  const taken6 = places.some(({ endpoint }) => endpoint.gateway6);
  for (const [i, place] of places.entries()) {
    if (!foreign.isLate(place)) continue;
    const noted = noteAsked(services, place);
    places[i] = noted;
    const { network, endpoint } = await foreign.add(
      noted,
      pid,
      requestFor(services, container, places, place),
    );
    const first = !places.some(
      (other) => other !== noted && foreign.isLate(other) && other.endpoint.gateway4,
    );
    const made = { ...endpoint, gateway4: !taken4 && first, gateway6: !taken6 && first };
    places[i] = { network, endpoint: made };
    store.replaceEndpoint(made);
  }
  if (taken4 || taken6) await live.leadNowhere(pid, places, { ipv4: taken4, ipv6: taken6 });
  for (const change of changesFor(services.networks, container, places)) resolver.apply(change);
}
