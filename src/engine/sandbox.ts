/**
 * A container's network for one run: its places, the program parts that make them, and the end of it all.
 * @module
 */
import { inContext } from "../errors/mod.ts";
import type { Protocol } from "../network/mod.ts";
import type { NetworkPlan } from "../runtime/mod.ts";
import { changesFor, forgetPlaces } from "./container-names.ts";
import type { Container } from "./container-store.ts";
import { hasOwnNetwork } from "./endpoint-requests.ts";
import {
  givePlacesBack,
  placesOf,
  placesWithGateways,
  requestedPorts,
  SETTING_UP,
  takePlaces,
  type Place,
} from "./endpoints.ts";
import { giveLeasesBack, joinForeign, takeLeases } from "./foreign-places.ts";
import { withLinks } from "./links.ts";
import { isUserDefined } from "./network-context.ts";
import { publishNetwork } from "./network-events.ts";
import { requireFreeRanges } from "./port-conflicts.ts";
import { movePorts } from "./republishing.ts";
import type { Services } from "./services.ts";

/** What a container that is about to run has of its networks. */
export interface Sandbox {
  readonly places: Place[];
  /** undefined: it has the host's namespace, another container's, or `lo` alone. */
  readonly plan: NetworkPlan | undefined;
}

/** Takes a container's places and writes them down. Nothing is made yet. `passing`: host ports that others have. */
export async function openSandbox(
  services: Services,
  container: Container,
  passing: ReadonlyMap<Protocol, ReadonlySet<number>>,
): Promise<Sandbox> {
  const { networks } = services;
  if (!hasOwnNetwork(container.record.hostConfig.NetworkMode) || container.state.networks.length === 0) {
    return { places: [], plan: undefined };
  }
  await networks.host.ready();
  const leases = await takeLeases(services, container);
  let places: Place[];
  try {
    places = withLinks(services, container, takePlaces(services, container, passing, leases));
  } catch (error) {
    giveLeasesBack(services, leases);
    throw error;
  }
  try {
    await requireFreeRanges(services, container, places).catch((error: unknown) => {
      throw inContext(SETTING_UP, error);
    });
    networks.store.addEndpoints(places.map(({ endpoint }) => endpoint));
    await joinForeign(services, container, places).catch((error: unknown) => {
      throw inContext(SETTING_UP, error);
    });
    const plan = await networks.host.plan(container, places);
    for (const change of changesFor(networks, container, places)) networks.resolver.apply(change);
    return { places, plan };
  } catch (error) {
    closeSandbox(services, container, places);
    throw error;
  }
}

/** Places for a container that is only explained. */
export async function sketchSandbox(services: Services, container: Container): Promise<Sandbox> {
  const { networks } = services;
  if (!hasOwnNetwork(container.record.hostConfig.NetworkMode)) return { places: [], plan: undefined };
  await networks.host.ready();
  const places = takePlaces(services, container);
  givePlacesBack(services, places);
  return { places, plan: await networks.host.plan(container, places) };
}

/** Gives back the places of a container that doesn't run: it never did, or not any more. */
export function closeSandbox(services: Services, container: Container, places: readonly Place[]): void {
  const { networks } = services;
  networks.store.removeEndpoints(places.map(({ endpoint }) => endpoint));
  networks.host.release(places);
  givePlacesBack(services, places);
  networks.foreign.leave(places, requestedPorts(container));
  forgetPlaces(networks.resolver, places, container);
}

/** The process has exited: its addresses and ports are free for the next one. */
export function endSandbox(services: Services, container: Container): void {
  const places = placesOf(services, container);
  if (places.length === 0) return;
  closeSandbox(services, container, places);
  for (const { network, endpoint } of places) publishNetwork(services, "disconnect", network, endpoint);
}

/** Releases what an earlier engine left of containers that don't run, or are gone. */
export function releaseEnded(services: Services): void {
  const { networks, store } = services;
  for (const network of networks.store.all()) {
    for (const endpoint of networks.store.endpointsOn(network.id)) {
      if (store.byId(endpoint.container)?.running === true) continue;
      networks.store.removeEndpoints([endpoint]);
      givePlacesBack(services, [{ network, endpoint }]);
      const container = store.byId(endpoint.container);
      networks.foreign.leave(
        [{ network, endpoint }],
        container === undefined ? [] : requestedPorts(container),
      );
    }
  }
}

/** After a running container was connected or disconnected: its default routes and its published ports follow. */
export async function settleGateways(services: Services, container: Container): Promise<void> {
  const { networks } = services;
  const before = placesOf(services, container);
  const settled = placesWithGateways(services, container);
  const moved = settled.some(
    ({ endpoint }, i) =>
      endpoint.gateway4 !== before[i]?.endpoint.gateway4 ||
      endpoint.gateway6 !== before[i]?.endpoint.gateway6,
  );
  if (!moved) return;
  await movePorts(services, container, before, settled);
  await networks.live.route(container, before, settled);
}

/** Tells the resolver everything: which containers run, where, under which names. */
export function tellNames(services: Services): void {
  const { networks, store } = services;
  const changes = store
    .all()
    .filter(({ running }) => running)
    .flatMap((container) => changesFor(networks, container, placesOf(services, container)));
  networks.resolver.replace({
    networks: networks.store
      .all()
      .filter(isUserDefined)
      .map(({ id, name, internal }) => ({ id, name, internal })),
    endpoints: changes.flatMap((change) => (change.op === "endpoint" ? change.endpoint : [])),
    containers: changes.flatMap((change) => (change.op === "container" ? change.container : [])),
  });
}
