/**
 * What a client says about a container's places on networks: `--network`, `--ip`, `--network-alias` and the like, read
 * from Docker's fields and checked.
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";
import { failure } from "../errors/mod.ts";
import { subnetHas, type EndpointRequest, type NetworkRecord } from "../network/mod.ts";
import type { ContainerNetwork } from "./container.ts";
import type { CreateBody, EndpointSettings, HostConfig } from "./container-types.ts";

/** Networks that every engine has, none of which users made. */
export const predefinedNetworks: ReadonlySet<string> = new Set(["bridge", "host", "none"]);

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

const joinsOther = (mode: string): boolean => mode.startsWith("container:");

/** Whether a container with this mode can be on networks: not with the host's namespace or another container's. */
export function hasOwnNetwork(mode: string): boolean {
  return mode !== "host" && mode !== "none" && !joinsOther(mode);
}

/**
 * The networks that a new container is on, the one of its mode first.
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
    if (other !== undefined && joinsOther(mode)) {
      refuse("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    }
    if (other !== undefined) {
      refuse(`container cannot be connected to ${mode === "host" ? "host network" : "none network"} and others`);
    }
    return [];
  }
  const nameOf = (name: string): string => find(name)?.name ?? name;
  const main = nameOf(mode);
  const requests = new Map<string, EndpointSettings | null>([[main, null]]);
  for (const [name, settings] of given) requests.set(name === "default" ? main : nameOf(name), settings);
  return [...requests].map(([name, settings]) => {
    const request = endpointRequest(settings ?? {});
    checkRequest(name, request, find(name));
    return { name, request };
  });
}

/**
 * Reads Docker's EndpointSettings.
 * @throws invalid-parameter
 */
export function endpointRequest(settings: EndpointSettings): EndpointRequest {
  const { IPAMConfig: ipam, Links, Aliases, MacAddress: mac = "", DriverOpts, GwPriority = 0 } = settings;
  const ipv4 = ipam?.IPv4Address ?? "";
  const ipv6 = ipam?.IPv6Address ?? "";
  const linkLocal = ipam?.LinkLocalIPs ?? [];
  const problems: string[] = [];
  if (ipv4 !== "" && !isIPv4(ipv4)) problems.push(`invalid IPv4 address: ${ipv4}`);
  if (ipv6 !== "" && !isIPv6(ipv6)) problems.push(`invalid IPv6 address: ${ipv6}`);
  for (const address of linkLocal) {
    if (!isIPv4(address) && !isIPv6(address)) problems.push(`invalid link-local IP address: ${address}`);
  }
  if (problems.length > 0) refuse(`invalid endpoint settings:\n${problems.join("\n")}`);
  if (mac !== "" && !/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) {
    refuse(`invalid MAC address: ${mac}`);
  }
  return {
    ...(ipv4 === "" ? {} : { ipv4 }),
    ...(ipv6 === "" ? {} : { ipv6 }),
    ...(ipam === undefined || ipam === null ? {} : { configured: true }),
    ...(linkLocal.length === 0 ? {} : { linkLocal }),
    ...(Links === undefined || Links === null || Links.length === 0 ? {} : { links: Links }),
    ...(Aliases === undefined || Aliases === null || Aliases.length === 0 ? {} : { aliases: Aliases }),
    ...(mac === "" ? {} : { mac: mac.toLowerCase().replaceAll("-", ":") }),
    ...(DriverOpts === undefined || DriverOpts === null ? {} : { driverOptions: DriverOpts }),
    gatewayPriority: GwPriority,
  };
}

/**
 * Checks what is asked for on a network, as far as it exists yet.
 * @throws invalid-parameter in Docker's words
 */
export function checkRequest(name: string, request: EndpointRequest, network: NetworkRecord | undefined): void {
  const problems: string[] = [];
  const fixed = request.ipv4 !== undefined || request.ipv6 !== undefined;
  if (predefinedNetworks.has(name)) {
    if (fixed) problems.push("user specified IP address is supported on user defined networks only");
    if ((request.aliases ?? []).length > 0) {
      problems.push("network-scoped aliases are only supported for user-defined networks");
    }
  }
  if (fixed && network !== undefined) {
    if (network.ipam.pools.every(({ automatic }) => automatic === true)) {
      problems.push(
        "user specified IP address is supported only when connecting to networks with user configured subnets",
      );
    } else {
      for (const address of [request.ipv4, request.ipv6]) {
        if (address === undefined || network.ipam.pools.some((pool) => subnetHas(pool, address))) continue;
        problems.push(`no configured subnet or ip-range contain the IP address ${address}`);
      }
    }
  }
  if (problems.length === 0) return;
  const list = problems.length === 1 ? problems[0] : problems.map((problem) => `* ${problem}`).join("\n");
  refuse(`invalid config for network ${name}: invalid endpoint settings:\n${list}`);
}
