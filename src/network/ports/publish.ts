/**
 * From port requests to published ports: which addresses of the host, which of their ports, leading where.
 * @module
 */
import { isIPv6Text } from "../ipam/addresses.ts";
import type { Protocol, PublishedPort } from "../types.ts";
import type { PortRequest } from "./requests.ts";
import type { HostPorts, PortReservations } from "./reservations.ts";

/** Where a container's ports are published. */
export interface PublishingContext {
  /** The container's addresses on the network that its ports are published from. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Addresses of the host for requests that name none; `::` is left out where the host has no IPv6. */
  readonly defaultAddresses: readonly string[];
  /** Whether there is a proxy, which alone leads from an IPv6 address to a container that has none. */
  readonly userlandProxy: boolean;
  /** Whether from outside the proxy alone leads to published ports, so that the host's own rules apply to them. */
  readonly steered?: boolean;
  /** Whether the container's own address of a family is reached from outside, so that no port of the host is taken. */
  readonly routed4?: boolean;
  readonly routed6?: boolean;
  /** Ports in which somebody outside of the engine was found listening, by protocol. */
  readonly taken?: ReadonlyMap<Protocol, ReadonlySet<number>>;
}

/** The host's ports that a published port takes. */
export function hostPorts({ protocol, hostAddress, hostPort, count, proxyPort }: PublishedPort): HostPorts[] {
  const address = hostAddress;
  if (hostPort === 0) return [];
  const own = { protocol, address, first: hostPort, last: hostPort + count - 1 };
  return proxyPort === undefined ? [own] : [own, { protocol, address, first: proxyPort, last: proxyPort }];
}

/**
 * Takes the host's ports for `requests` and says what is published. Nothing is taken if anything can't be.
 * @throws port-allocated, ports-exhausted
 */
export function publishPorts(
  requests: readonly PortRequest[],
  reservations: PortReservations,
  context: PublishingContext,
): PublishedPort[] {
  const published: PublishedPort[] = [];
  try {
    const single = requests.flatMap((request) =>
      isJoined(request, context) ? request : onePortEach(request),
    );
    // Fixed ones first: what is free for the others is known then.
    const sorted = single.sort((a, b) => Number(a.hostFirst === 0) - Number(b.hostFirst === 0));
    for (const request of sorted) published.push(...publishOne(request, reservations, context));
    return published;
  } catch (error) {
    reservations.release(published.flatMap(hostPorts));
    throw error;
  }
}

/** The host's addresses that a request means. */
function addressesOf(
  { hostAddress }: PortRequest,
  { defaultAddresses }: PublishingContext,
): readonly string[] {
  return hostAddress === "" ? defaultAddresses : [hostAddress];
}

/**
 * Whether a range stays one. Where nothing but a proxy leads to the container, it has one for all of its ports only if the
 * port that was asked for can be told from a connection: of datagrams it can't, and nothing but TCP can be steered.
 */
function isJoined(request: PortRequest, context: PublishingContext): boolean {
  const { protocol, count } = request;
  if (count === 1 || protocol === "tcp" || !context.userlandProxy) return true;
  if (context.steered === true) return false;
  return protocol !== "udp" || addressesOf(request, context).some((address) => !needsProxy(address, context));
}

/** Nothing leaves the host that comes from ::1, nor turns from IPv6 into IPv4. */
function needsProxy(hostAddress: string, { ipv6 }: PublishingContext): boolean {
  return isIPv6Text(hostAddress) && (ipv6 === undefined || hostAddress === "::1");
}

function onePortEach(request: PortRequest): PortRequest[] {
  return Array.from({ length: request.count }, (_, i) => ({
    ...request,
    containerPort: request.containerPort + i,
    hostFirst: request.hostFirst + i,
    hostLast: request.hostLast + i,
    count: 1,
  }));
}

function publishOne(
  request: PortRequest,
  reservations: PortReservations,
  context: PublishingContext,
): PublishedPort[] {
  const { protocol, containerPort, count, hostFirst, hostLast } = request;
  const ways = addressesOf(request, context).flatMap((hostAddress) => {
    const containerAddress = leadsTo(hostAddress, context);
    // What has no proxy is published where it needs none.
    if (count > 1 && protocol === "udp" && context.userlandProxy && needsProxy(hostAddress, context))
      return [];
    return containerAddress === undefined ? [] : [{ hostAddress, containerAddress }];
  });
  const taken = ways.filter((way) => !isRouted(way, context));
  const addresses = taken.map(({ hostAddress }) => hostAddress);
  let hostPort = hostFirst;
  if (taken.length === 0) hostPort = 0;
  else if (hostFirst !== 0 && hostFirst === hostLast) {
    const last = hostFirst + count - 1;
    reservations.take(addresses.map((address) => ({ protocol, address, first: hostFirst, last })));
  } else {
    const within = hostFirst === 0 ? undefined : { first: hostFirst, last: hostLast };
    hostPort = reservations.takeAny(protocol, addresses, within, context.taken?.get(protocol));
  }
  return ways.map((way) => {
    if (isRouted(way, context)) {
      const hostAddress = isIPv6Text(way.hostAddress) ? "::" : "0.0.0.0";
      return { protocol, hostPort: 0, containerPort, count, ...way, hostAddress };
    }
    // Of `::` too: ::1 is among what it means.
    const needed = isIPv6Text(way.hostAddress) || context.steered === true;
    const proxied = context.userlandProxy && count > 1 && protocol !== "udp" && needed;
    const proxyPort = proxied ? reservations.takeAny(protocol, [way.hostAddress]) : undefined;
    const port = { protocol, hostPort, containerPort, count, ...way };
    return proxyPort === undefined ? port : { ...port, proxyPort };
  });
}

/** From where to where a port leads. */
type Way = Pick<PublishedPort, "hostAddress" | "containerAddress">;

/** Whether the container's own address is what is reached. */
function isRouted({ hostAddress, containerAddress }: Way, { routed4, routed6 }: PublishingContext): boolean {
  const isIPv6 = isIPv6Text(containerAddress);
  return isIPv6Text(hostAddress) === isIPv6 && (isIPv6 ? routed6 : routed4) === true;
}

function leadsTo(hostAddress: string, { ipv4, ipv6, userlandProxy }: PublishingContext): string | undefined {
  if (!isIPv6Text(hostAddress)) return ipv4;
  return ipv6 ?? (userlandProxy ? ipv4 : undefined);
}
