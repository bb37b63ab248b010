/**
 * A container's places on networks as its create request asks for them.
 * @module
 */
import { failure, inContext } from "../errors/mod.ts";
import {
  endpointSysctls,
  isPredefined,
  readEndpointRequest,
  type EndpointRequest,
  type NetworkRecord,
} from "../network/mod.ts";
import type { ContainerNetwork } from "./container.ts";
import type { CreateBody, EndpointSettings, HostConfig } from "./container-types.ts";

const joinsOther = (mode: string): boolean => mode.startsWith("container:");

/** Whether a container with this mode can be on networks: not with the host's namespace or another container's. */
export function hasOwnNetwork(mode: string): boolean {
  return mode !== "host" && mode !== "none" && !joinsOther(mode);
}

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/**
 * The networks that a new container is on, the one of its mode first. One that doesn't exist yet is no error: its
 * container can't be started until it does.
 * @throws invalid-parameter in Docker's words
 */
export function containerNetworks(
  body: CreateBody,
  host: HostConfig,
  find: (name: string) => NetworkRecord | undefined,
): ContainerNetwork[] {
  const { NetworkMode: mode } = host;
  const given = Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {});
  if (!hasOwnNetwork(mode)) {
    const other = given.find(([name]) => name !== mode && name !== "default");
    const own = find(mode);
    for (const [, settings] of given)
      if (other === undefined && own !== undefined) checkRequest(own, settings ?? {});
    if (other === undefined) return [];
    return refuse(
      joinsOther(mode)
        ? "conflicting options: cannot attach both user-defined and non-user-defined network-modes"
        : `container cannot be connected to ${mode === "host" ? "host network" : "none network"} and others`,
    );
  }
  const nameOf = (name: string): string => find(name)?.name ?? name;
  const main = nameOf(mode);
  const entries = new Map<string, EndpointSettings>([[main, {}]]);
  for (const [name, settings] of given) entries.set(name === "default" ? main : nameOf(name), settings ?? {});
  const links = body.HostConfig?.Links ?? [];
  const place = entries.get(main) ?? {};
  if (links.length > 0 && !isPredefined(main) && (place.Links ?? []).length === 0) {
    entries.set(main, { ...place, Links: links });
  }
  return [...entries].map(([name, settings]) => {
    const network = find(name);
    if (network !== undefined) checkRequest(network, settings);
    return { name, settings };
  });
}

/** A container may ask for several networks: which one is wrong has to be said. */
function checkRequest(network: NetworkRecord, settings: EndpointSettings): void {
  try {
    readRequest(network, settings);
  } catch (error) {
    throw inContext(`invalid config for network ${network.name}`, error);
  }
}

/**
 * Reads what is asked for on a network.
 * @throws invalid-parameter in Docker's words
 */
export function readRequest(network: NetworkRecord, settings: EndpointSettings): EndpointRequest {
  const request = readEndpointRequest(network, settings);
  const { problems } = endpointSysctls(request.driverOptions);
  if (problems.length > 0) refuse(`invalid endpoint settings:\n${problems.join("; ")}`);
  return request;
}
