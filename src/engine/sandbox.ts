/**
 * A container's network for one run: its places, the program parts that make them, its /etc/hosts; and the end of it all.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { CWD, flags, O, ProgramBuilder, write } from "../kernel/mod.ts";
import { inContext } from "../errors/mod.ts";
import { hostPorts, type Protocol } from "../network/mod.ts";
import type { NetworkPlan } from "../runtime/mod.ts";
import { changesFor, forgetPlaces } from "./container-names.ts";
import type { Container } from "./container-store.ts";
import { hasOwnNetwork } from "./endpoint-requests.ts";
import {
  givePlacesBack,
  placesOf,
  placesWithGateways,
  publish,
  requestedPorts,
  SETTING_UP,
  takePlaces,
  type Place,
} from "./endpoints.ts";
import { giveLeasesBack, joinForeign, takeLeases } from "./foreign-places.ts";
import { hostsFile, ownNames } from "./etc-files.ts";
import { isUserDefined } from "./network-context.ts";
import { publishNetwork } from "./network-events.ts";
import { resolverResolvConf } from "./resolv-conf.ts";
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
    places = takePlaces(services, container, passing, leases);
  } catch (error) {
    giveLeasesBack(services, leases);
    throw error;
  }
  try {
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

const readHost = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** The container's /etc/hosts with its addresses on these places. */
export function hostsOf({ networks }: Services, { record }: Container, places: readonly Place[]): string {
  const { hostConfig, config } = record;
  return hostsFile(hostConfig, {
    hostFile: hostConfig.NetworkMode === "host" ? readHost("/etc/hosts") : "",
    gateway: networks.hostGateway(),
    addresses: places.flatMap(({ endpoint: { ipv4, ipv6 } }) => [ipv4 ?? [], ipv6 ?? []].flat()),
    names: ownNames(config),
  });
}

/** Adds the writing of a container's /etc/hosts; whoever has the file open or bound sees it. */
export function addHosts(
  b: ProgramBuilder,
  services: Services,
  container: Container,
  places: readonly Place[],
): void {
  const path = `${services.paths.container(container.id)}/hosts`;
  const how = flags(O, "WRONLY", "CREAT", "TRUNC", "NOFOLLOW");
  write(b, "write its /etc/hosts", CWD, path, hostsOf(services, container, places), { how, mode: 0o644 });
}

/** Writes the /etc/hosts of a container that runs, after its places have changed. */
export async function writeHosts(services: Services, container: Container): Promise<void> {
  const b = new ProgramBuilder();
  addHosts(b, services, container, placesOf(services, container));
  await services.executors.warm().run(b.build(), { doing: `write the hosts of container ${container.id}` });
}

/** Writes the /etc/resolv.conf of a container in which names are answered from now on. */
export async function writeResolvConf(services: Services, container: Container): Promise<void> {
  const b = new ProgramBuilder();
  const path = `${services.paths.container(container.id)}/resolv.conf`;
  const dns = services.networks.dnsOf(container.record.hostConfig);
  const content = resolverResolvConf(dns, readHost("/etc/resolv.conf"));
  const how = flags(O, "WRONLY", "TRUNC", "NOFOLLOW");
  write(b, "write its /etc/resolv.conf", CWD, path, content, { how, mode: 0o644 });
  await services.executors.warm().run(b.build(), { doing: `write the resolv.conf of ${container.id}` });
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
  const ports = before.flatMap(({ endpoint }) => endpoint.ports);
  networks.ports.release(ports.flatMap(hostPorts));
  const bare = settled.map(({ network, endpoint }) => ({ network, endpoint: { ...endpoint, ports: [] } }));
  const after = publish(services, container, bare);
  await networks.live.route(container, before, after);
  await networks.live.publish(container, before, after);
  for (const { endpoint } of after) networks.store.replaceEndpoint(endpoint);
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
