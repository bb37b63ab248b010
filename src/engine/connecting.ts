/**
 * Connecting a container to a network and disconnecting it, whether it runs or not. Whoever calls holds its lock.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { interfacePrefix, type EndpointRequest, type NetworkRecord } from "../network/mod.ts";
import { writeHosts, writeResolvConf } from "./container-files.ts";
import { changesFor, forgetPlaces } from "./container-names.ts";
import type { Container } from "./container-store.ts";
import type { EndpointSettings } from "./container-types.ts";
import { readRequest } from "./endpoint-requests.ts";
import {
  CONFIG_ONLY,
  givePlacesBack,
  interfaceName,
  placesOf,
  requestedPorts,
  takePlace,
  type Place,
} from "./endpoints.ts";
import { joinOneForeign, takeLease } from "./foreign-places.ts";
import { interfaceFailure } from "./interface-failure.ts";
import { isUserDefined } from "./network-context.ts";
import { publishNetwork } from "./network-events.ts";
import { settleGateways } from "./sandbox.ts";
import type { Services } from "./services.ts";

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** Docker's rules for which containers can be on several networks. */
function checkConnectable({ record: { hostConfig } }: Container, network: NetworkRecord): void {
  const { NetworkMode: mode } = hostConfig;
  if (network.configOnly) {
    throw failure("forbidden", { message: CONFIG_ONLY });
  }
  if (network.driver === "host") {
    refuse("cannot connect container to host network - container must be created in host network mode");
  }
  if (mode === "host" || mode.startsWith("container:")) {
    refuse(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  if (mode === "none" || network.driver === "null") {
    refuse(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  }
}

/** Puts a container on a network: now if it runs, and whenever it will. */
export async function connectContainer(
  services: Services,
  container: Container,
  network: NetworkRecord,
  settings: EndpointSettings,
): Promise<void> {
  checkConnectable(container, network);
  const request = readRequest(network, settings);
  const { state } = container;
  if (container.running && state.networks.some(({ name }) => name === network.name)) {
    const message = `endpoint with name ${container.name} already exists in network ${network.name}`;
    throw failure("forbidden", { message });
  }
  if (container.running) {
    const prefix = interfacePrefix(network);
    const places = placesOf(services, container);
    const used = new Set(places.map(({ endpoint }) => endpoint.interface));
    let number = 0;
    while (used.has(`${prefix}${number}`)) number++;
    await services.networks.foreign.settled(container.id);
    const lease = await takeLease(services, { network, request });
    const place = takePlace(
      services,
      container,
      { network, request },
      {
        interface: interfaceName(request) ?? `${prefix}${number}`,
        // The container may have made interfaces of its own meanwhile.
        position: 1024 + Math.floor(Math.random() * (1 << 20)),
        gateway4: false,
        gateway6: false,
      },
      lease,
    );
    // The new network may be the one that leads out.
    const before = state.networks;
    state.networks = [...before, { name: network.name, settings }];
    try {
      await join(services, container, place, request);
    } catch (error) {
      state.networks = before;
      // Its ports may have followed already, and its routes not.
      await settleGateways(services, container).catch((second: unknown) => {
        services.log.error(`lead container ${container.name} out as before`, { error: second });
      });
      throw error;
    }
  } else {
    // What is said last counts, as in Docker.
    const others = state.networks.filter(({ name }) => name !== network.name);
    state.networks = [...others, { name: network.name, settings }];
  }
  if (container.running) await tellPlaces(services, container);
  services.store.save(container);
  services.store.flush();
}

/** What the resolver knows of a running container follows its places and its name. */
export async function tellPlaces(services: Services, container: Container): Promise<void> {
  const { resolver } = services.networks;
  for (const change of changesFor(services.networks, container, placesOf(services, container)))
    resolver.apply(change);
  await resolver.flushed();
}

async function join(
  services: Services,
  container: Container,
  taken: Place,
  request: EndpointRequest,
): Promise<void> {
  const { networks } = services;
  let place = taken;
  try {
    networks.store.addEndpoints([place.endpoint]);
    place = await joinOneForeign(services, container, place, request);
    await networks.live.join(container, place);
    await settleGateways(services, container);
    // Last, since it stays whatever becomes of this place: it ends with the container.
    if (isUserDefined(place.network) && container.state.relay !== true) {
      await networks.live.answer(container);
      container.state.relay = true;
      await writeResolvConf(services, container);
    }
  } catch (error) {
    const [known = place] = placesOf(services, container).filter(
      ({ endpoint }) => endpoint.id === place.endpoint.id,
    );
    // As far as it was made. Without the container there is nothing to be removed.
    await networks.live.leave(container, known).catch((second: unknown) => {
      services.log.warn(`take container ${container.name} off network ${known.network.name} again`, {
        error: second,
      });
    });
    networks.store.removeEndpoints([known.endpoint]);
    givePlacesBack(services, [known]);
    networks.foreign.leave([known], []);
    throw interfaceFailure(error, [known]);
  }
  await writeHosts(services, container);
  publishNetwork(services, "connect", place.network, place.endpoint);
}

/** Takes a container off a network. */
export async function disconnectContainer(
  services: Services,
  container: Container,
  network: NetworkRecord,
): Promise<void> {
  const { networks, store } = services;
  const { state, record } = container;
  if (record.hostConfig.NetworkMode === "host" || network.driver === "host") {
    refuse("container cannot be disconnected from host network or connected to host network");
  }
  if (!state.networks.some(({ name }) => name === network.name)) {
    const which = container.running ? "network" : "the network";
    const message = `container ${container.id} is not connected to ${which} ${network.name}`;
    throw failure("conflict", { message });
  }
  const place = placesOf(services, container).find((other) => other.network.id === network.id);
  if (place !== undefined) {
    await networks.live.leave(container, place);
    if (networks.foreign.isLate(place)) {
      await networks.foreign.remove(place, requestedPorts(container));
    }
    networks.store.removeEndpoints([place.endpoint]);
    givePlacesBack(services, [place]);
    if (!networks.foreign.isLate(place)) networks.foreign.leave([place], []);
    forgetPlaces(networks.resolver, [place]);
  }
  state.networks = state.networks.filter(({ name }) => name !== network.name);
  store.save(container);
  store.flush();
  if (place === undefined) return;
  await tellPlaces(services, container);
  await settleGateways(services, container);
  await writeHosts(services, container);
  publishNetwork(services, "disconnect", network, place.endpoint);
}
