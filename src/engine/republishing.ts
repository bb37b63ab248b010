/**
 * Publishing other ports of a container than it was made with, while it runs or not. Whoever calls holds its lock.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { hostPorts } from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import type { HostConfig } from "./container-types.ts";
import { hasOwnNetwork } from "./endpoint-requests.ts";
import { placesOf, publish, requestedPorts, type Place } from "./endpoints.ts";
import { portConflict, requireFreeRanges } from "./port-conflicts.ts";
import type { Services } from "./services.ts";

/** Which ports a container publishes now: those that were asked for last. */
export function portBindings({ state, record }: Container): HostConfig["PortBindings"] {
  return state.ports ?? record.hostConfig.PortBindings;
}

/**
 * Publishes `bindings`, all of them, in the place of what was published. All of it, or an error and what was published
 * before still is.
 */
export async function republish(
  services: Services,
  container: Container,
  bindings: NonNullable<HostConfig["PortBindings"]>,
): Promise<void> {
  const { state, record } = container;
  if (!hasOwnNetwork(record.hostConfig.NetworkMode)) {
    const message = `conflicting options: port publishing and the network mode ${record.hostConfig.NetworkMode}`;
    throw failure("invalid-parameter", { message });
  }
  const before = state.ports;
  state.ports = bindings;
  try {
    // A bad one is told before anything changes.
    requestedPorts(container);
    if (container.running) {
      const places = placesOf(services, container);
      await movePorts(services, container, places, places);
    }
  } catch (error) {
    if (before === undefined) delete state.ports;
    else state.ports = before;
    throw error;
  }
  services.store.save(container);
  services.store.flush();
}

/**
 * Publishes what a running container wants by `settled`, its places as they are to be, and no longer by `before`. When it
 * throws, everything is published as it was.
 */
export async function movePorts(
  services: Services,
  container: Container,
  before: readonly Place[],
  settled: readonly Place[],
): Promise<void> {
  const { networks } = services;
  const portsOf = (places: readonly Place[]): ReturnType<typeof hostPorts> =>
    places.flatMap(({ endpoint }) => endpoint.ports).flatMap(hostPorts);
  const bare = settled.map(({ network, endpoint }) => ({ network, endpoint: { ...endpoint, ports: [] } }));
  networks.ports.release(portsOf(before));
  let after: Place[];
  try {
    after = publish(services, container, bare);
  } catch (error) {
    networks.ports.restore(portsOf(before));
    throw error;
  }
  try {
    await requireFreeRanges(services, container, after, before);
    await networks.live.publish(container, before, after);
  } catch (error) {
    networks.ports.release(portsOf(after));
    networks.ports.restore(portsOf(before));
    await networks.live.publish(container, after, before);
    throw portConflict(error, container, after);
  }
  for (const { endpoint } of after) networks.store.replaceEndpoint(endpoint);
}
