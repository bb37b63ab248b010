/**
 * What networks, endpoints and published ports are in the firewall: elements. Pure.
 * @module
 */
import { isIPv6Text, isUnspecified } from "../ipam/addresses.ts";
import type { BridgeOptions, FirewallLink, GatewayMode, PublishedPort } from "../types.ts";
import {
  address,
  element,
  family,
  link,
  ports,
  protocol,
  subnet,
  type Field,
  type FirewallElement,
  type Target,
} from "./element.ts";
import { sets, type SetName } from "./sets.ts";

/** What the firewall knows of a bridge network. */
export interface FirewallNetwork {
  readonly options: BridgeOptions;
  /** Of both families, in canonical form. */
  readonly subnets: readonly string[];
  /** Nothing enters it from elsewhere, nothing leaves it. */
  readonly internal: boolean;
  /** --allow-direct-routing: published ports of its containers are reached by the containers' addresses, too. */
  readonly directRouting: boolean;
}

type Version = 4 | 6;

const versionOf = (value: string): Version => (isIPv6Text(value) ? 6 : 4);

function make(set: SetName, key: readonly Field[], target?: Target): FirewallElement {
  return element(set, sets[set].intervals === true, key, target);
}

function gatewayMode({ options }: FirewallNetwork, version: Version): GatewayMode {
  return version === 4 ? options.gatewayMode4 : options.gatewayMode6;
}

/** What may enter a network from elsewhere. */
function entrance(mode: GatewayMode): Target {
  if (mode === "isolated") return "drop";
  if (mode === "nat-unprotected") return { goto: "enter-unprotected" };
  return { goto: mode === "nat" ? "enter-nat" : "enter-routed" };
}

/** How addresses of a subnet leave the host. */
function outgoing({ options }: FirewallNetwork, version: Version, pool: string): FirewallElement[] {
  const wanted = version === 4 ? options.masquerade4 : options.masquerade6;
  if (!wanted) return [];
  const source = version === 4 ? options.hostIPv4 : options.hostIPv6;
  if (source === undefined) return [make(`masquerade${version}`, [subnet(pool)])];
  return [make(`source${version}`, [subnet(pool)], [address(source)])];
}

function subnetElements(network: FirewallNetwork, pool: string): FirewallElement[] {
  const { options, internal, directRouting } = network;
  const version = versionOf(pool);
  const mode = gatewayMode(network, version);
  const elements = [make(`home${version}`, [subnet(pool), link(options.bridge)])];
  if (internal || mode === "isolated") return elements;
  if (mode === "nat" && !directRouting) {
    elements.push(make(`protected${version}`, [subnet(pool)]));
    for (const name of options.trustedInterfaces) {
      elements.push(make(`trusted${version}`, [subnet(pool), link(name)]));
    }
  }
  if (mode === "nat" || mode === "nat-unprotected") elements.push(...outgoing(network, version, pool));
  return elements;
}

/** The elements of a network itself. */
export function networkElements(network: FirewallNetwork): FirewallElement[] {
  const { options, internal, subnets } = network;
  const bridge = link(options.bridge);
  const within: Target = options.icc ? "accept" : { goto: "without-icc" };
  const elements = [make("bridges", [bridge]), make("within", [bridge, bridge], within)];
  for (const version of [4, 6] as const) {
    const mode = internal ? "isolated" : gatewayMode(network, version);
    elements.push(make("entering", [family(version), bridge], entrance(mode)));
    if (mode === "isolated") elements.push(make("leaving", [family(version), bridge], "drop"));
  }
  return [...elements, ...subnets.flatMap((pool) => subnetElements(network, pool))];
}

/** The port or the range in front of the container's address of the same family. */
function translated(port: PublishedPort): FirewallElement[] {
  const version = versionOf(port.hostAddress);
  const front = isUnspecified(port.hostAddress) ? [] : [address(port.hostAddress)];
  const kind = front.length === 0 ? "any" : "at";
  const name = protocol(port.protocol);
  const to = address(port.containerAddress);
  if (port.count > 1 && port.hostPort === port.containerPort) {
    return [make(`${kind}-range${version}`, [...front, name, ports(port.hostPort, port.count)], [to])];
  }
  // The kernel can't add to a port: a range that is shifted is an element for each port.
  return Array.from({ length: port.count }, (_, i) =>
    make(
      `${kind}${version}`,
      [...front, name, ports(port.hostPort + i)],
      [to, ports(port.containerPort + i)],
    ),
  );
}

/** The range in front of its proxy. A single port needs nothing: the proxy listens on it. */
function proxied({
  hostAddress,
  protocol: name,
  hostPort,
  count,
  proxyPort,
}: PublishedPort): FirewallElement[] {
  if (proxyPort === undefined || count === 1) return [];
  const version = versionOf(hostAddress);
  const key = [protocol(name), ports(hostPort, count)];
  if (isUnspecified(hostAddress)) return [make(`proxied-any${version}`, key, [ports(proxyPort)])];
  return [make(`proxied-at${version}`, [address(hostAddress), ...key], [ports(proxyPort)])];
}

/** `::1`, from which nothing can be translated, in front of a range. */
function fromLoopback(port: PublishedPort): FirewallElement[] {
  return port.hostAddress === "::" || port.hostAddress === "::1"
    ? proxied({ ...port, hostAddress: "::1" })
    : [];
}

/** Ports of a container that may be named directly, in the modes where any may: each once, as ranges that don't overlap. */
function opened(network: FirewallNetwork, published: readonly PublishedPort[]): FirewallElement[] {
  const open = published.filter((port) => {
    const mode = gatewayMode(network, versionOf(port.containerAddress));
    const named = network.directRouting || network.options.trustedInterfaces.length > 0;
    return mode === "routed" || (mode === "nat" && named);
  });
  const order = (a: PublishedPort, b: PublishedPort): number =>
    a.containerAddress.localeCompare(b.containerAddress) ||
    a.protocol.localeCompare(b.protocol) ||
    a.containerPort - b.containerPort;
  const ranges: PublishedPort[] = [];
  for (const port of open.sort(order)) {
    const last = ranges.at(-1);
    const joins =
      last?.containerAddress === port.containerAddress &&
      last.protocol === port.protocol &&
      port.containerPort <= last.containerPort + last.count;
    if (last === undefined || !joins) ranges.push(port);
    else {
      const count = Math.max(last.count, port.containerPort + port.count - last.containerPort);
      ranges[ranges.length - 1] = { ...last, count };
    }
  }
  return ranges.map(({ containerAddress, protocol: name, containerPort, count }) => {
    const key = [address(containerAddress), protocol(name), ports(containerPort, count)];
    return make(`open${versionOf(containerAddress)}`, key);
  });
}

/** Whether addresses of the host lead to the containers of a network. */
function hasFront(network: FirewallNetwork, version: Version): boolean {
  const mode = gatewayMode(network, version);
  return mode === "nat" || mode === "nat-unprotected";
}

/**
 * The elements of ports that a container publishes by way of `network`.
 * @param steer published-ports.respect-host-firewall: IPv4 has proxies of ranges, too
 */
export function portElements(
  network: FirewallNetwork,
  published: readonly PublishedPort[],
  steer = false,
): FirewallElement[] {
  if (network.internal) return [];
  const ways = published.flatMap((port) => {
    const host = versionOf(port.hostAddress);
    if (host !== versionOf(port.containerAddress)) return proxied(port);
    if (!hasFront(network, host)) return [];
    if (port.hostAddress === "::1") return fromLoopback(port);
    return [...translated(port), ...(steer ? proxied(port) : fromLoopback(port))];
  });
  return [...opened(network, published), ...ways];
}

/** `--link`s in a network without icc. */
export function linkElements(links: readonly FirewallLink[]): FirewallElement[] {
  const elements = links.map(({ from, to, protocol: name, port }) =>
    make(`link${versionOf(to)}`, [address(from), address(to), protocol(name), ports(port)]),
  );
  return [...new Map(elements.map((one) => [one.text, one])).values()];
}
