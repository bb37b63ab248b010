/**
 * What changes on the host when a running container comes onto a network, leaves one, or has its ports published
 * otherwise.
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import {
  CLONE,
  close,
  CWD,
  flags,
  int,
  O,
  open,
  ProgramBuilder,
  type Executors,
  type Slot,
} from "../kernel/mod.ts";
import {
  delLink,
  delRoute,
  encodeMessages,
  netlink,
  openNetlink,
  replaceRoute,
  setLink,
  type Route,
} from "../kernel/netlink/mod.ts";
import {
  addElements,
  addResolverRules,
  bridgesAreUnfiltered,
  driverOf,
  foreignExit,
  exitsByGateway,
  isForeign,
  openNamespace,
  removeElements,
  startGuarded,
  startRelay,
  type PublishedPort,
} from "../network/mod.ts";
import type { Container } from "./container-store.ts";
import type { Place } from "./endpoints.ts";
import type { HostNetworks } from "./host-networks.ts";

const SIGKILL = 9;

/** Networks of containers that run. */
export class LiveNetworks {
  readonly #host: HostNetworks;
  readonly #executors: Executors;
  /** Whether there are proxies. */
  readonly #proxies: boolean;

  constructor(host: HostNetworks, executors: Executors, userlandProxy: boolean) {
    this.#host = host;
    this.#executors = executors;
    this.#proxies = userlandProxy;
  }

  async #fork(b: ProgramBuilder, doing: string): Promise<void> {
    await this.#executors.warm().fork(b.build(), { doing });
  }

  /** Makes a place. */
  async join(container: Container, { network, endpoint }: Place): Promise<void> {
    const link = await this.#host.facts(network);
    const driver = driverOf(network);
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, container.state.pid);
    const socket = b.slot("route socket");
    openNetlink(b, "open a route socket", "route", socket);
    const sandbox = { descriptor: namespace };
    driver.attach(b, network, endpoint, { socket, sandbox, link, unfiltered: bridgesAreUnfiltered() });
    inNamespace(b, namespace, (inner) => driver.configure(b, network, endpoint, inner));
    await this.#fork(b, `connect container ${container.name}`);
  }

  /** Has names answered in a container in which none were. */
  async answer(container: Container): Promise<void> {
    const { name, state } = container;
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, state.pid);
    const relay = this.#host.relay(container);
    inNamespace(b, namespace, (inner) => {
      openNetlink(b, "open a netfilter socket", "netfilter", inner);
      addResolverRules(b, inner, relay.udpPort, relay.tcpPort);
    });
    startGuarded(b, state.pid, () => startRelay(b, relay, namespace, "guard"));
    await this.#fork(b, `have names answered in container ${name}`);
  }

  /** Takes default routes away that plugins of CNI made, where another network leads out. */
  async leadNowhere(
    pid: number,
    places: readonly Place[],
    families: { readonly ipv4: boolean; readonly ipv6: boolean },
  ): Promise<void> {
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, pid);
    inNamespace(b, namespace, (inner) => {
      for (const { network, endpoint } of places) {
        if (network.driver !== "cni") continue;
        for (const isIPv6 of [false, true]) {
          const exit = foreignExit(endpoint, isIPv6);
          if (exit === undefined || !(isIPv6 ? families.ipv6 : families.ipv4)) continue;
          removeRoute(b, inner, { destination: isIPv6 ? "default6" : "default", ...exit });
        }
      }
    });
    await this.#fork(b, "lead packets out by another network");
  }

  /** Undoes a place. What a plugin's network gave goes back to the host, for the plugin to remove. */
  async leave(container: Container, place: Place): Promise<void> {
    this.#host.release([place]);
    if (this.#proxies) await endProxies(place.endpoint.ports);
    // CNI's plugins remove what they made.
    if (place.network.driver === "cni") return;
    const b = new ProgramBuilder();
    const { foreign, interface: name, interfaceIndex: index } = place.endpoint;
    const host = b.slot("the host's network namespace");
    if (foreign?.link !== undefined) {
      open(
        b,
        "open the host's network namespace",
        CWD,
        "/proc/self/ns/net",
        flags(O, "RDONLY", "CLOEXEC"),
        host,
      );
    }
    const namespace = openNamespace(b, container.state.pid);
    inNamespace(b, namespace, (inner) => {
      if (isForeign(place.network)) {
        if (foreign?.link === undefined) return;
        const messages = [
          setLink({ index }, { up: false }),
          setLink({ index }, { name: foreign.link }),
          setLink({ index }, { namespace: { descriptor: host } }),
        ];
        netlink(b, `give ${foreign.link} back`, inner, encodeMessages(messages), undefined, {
          tolerate: ["ENODEV"],
        });
        return;
      }
      // One of the same name may be why this one couldn't be made.
      netlink(b, `remove ${name}`, inner, encodeMessages([delLink({ index })]), undefined, {
        tolerate: ["ENODEV"],
      });
    });
    await this.#fork(b, `disconnect container ${container.name}`);
  }

  /** Leads a container's packets out by other places than before. */
  async route(container: Container, before: readonly Place[], after: readonly Place[]): Promise<void> {
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, container.state.pid);
    inNamespace(b, namespace, (inner) => {
      for (const isIPv6 of [false, true]) {
        const [old, now] = [before, after].map((places) => defaultRoute(places, isIPv6));
        if (old !== undefined) removeRoute(b, inner, old);
        if (now !== undefined) netlink(b, "leave by this way", inner, encodeMessages([replaceRoute(now)]));
      }
    });
    await this.#fork(b, `route container ${container.name}`);
  }

  /** Publishes a container's ports by `after` and no longer by `before`. */
  async publish(container: Container, before: readonly Place[], after: readonly Place[]): Promise<void> {
    const portsOf = (places: readonly Place[]): PublishedPort[] =>
      places.flatMap(({ endpoint }) => endpoint.ports);
    const b = new ProgramBuilder();
    for (const { endpoint } of after) {
      if (endpoint.hostLink === undefined || endpoint.ports.length === 0) continue;
      const socket = b.slot("route socket");
      openNetlink(b, "open a route socket", "route", socket);
      // Whoever publishes a port may be the one who asks for it.
      const own = setLink({ name: endpoint.hostLink }, { port: { hairpin: true } });
      netlink(b, "let it reach itself", socket, encodeMessages([own]));
      close(b, socket);
    }
    this.#host.rules(b, before, removeElements);
    this.#host.rules(b, after, addElements);
    if (this.#proxies) await endProxies(portsOf(before));
    // Without proxies the sockets that hold the ports are the shim's, and stay.
    const ports = this.#proxies ? portsOf(after) : [];
    if (ports.length > 0) {
      startGuarded(b, container.state.pid, () => this.#host.proxies(b, ports, "guard"));
    }
    if (b.build().operations.length > 0) await this.#fork(b, `publish ports of container ${container.name}`);
    this.#host.forget([...before, ...after]);
  }
}

/**
 * Ends the proxies of these ports, whoever their parents are, and waits until they are gone. They are known by their
 * arguments, which nobody else's have in this network namespace: the port is theirs.
 */
async function endProxies(ports: readonly PublishedPort[]): Promise<void> {
  if (ports.length === 0) return;
  const wanted = new Set(
    ports.map(({ protocol, hostAddress, hostPort }) => `${protocol} ${hostAddress} ${hostPort}`),
  );
  const ended = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => wanted.has(proxyOf(pid)));
  for (const pid of ended) process.kill(pid, SIGKILL);
  for (let i = 0; i < 200 && ended.some((pid) => wanted.has(proxyOf(pid))); i++) {
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

/** `tcp 0.0.0.0 8080` of the proxy that has this pid; empty: it is none. */
function proxyOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const [, proto, protocol, ip, address, name, port] = words;
    const isProxy =
      proto === "-proto" &&
      ip === "-host-ip" &&
      name === "-host-port" &&
      readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync("/proc/self/ns/net");
    return isProxy ? `${protocol} ${address} ${port}` : "";
  } catch {
    return "";
  }
}

/** Adds what `body` adds, done in the namespace by a process of its own; it gets a route socket there. */
function inNamespace(b: ProgramBuilder, namespace: Slot, body: (socket: Slot) => void): void {
  const channel = b.slot("channel");
  b.clone("make a process for its namespace", { flags: int(0, "0"), channel }, () => {
    b.call("enter its network namespace", "setns", [namespace, flags(CLONE, "NEWNET")]);
    const socket = b.slot("its route socket");
    openNetlink(b, "open a route socket", "route", socket);
    body(socket);
  });
  b.composite("wait until that is done", "await", [channel, int(2, "EOF")]);
}

/** Adds the removal of a default route, which may be gone with its interface. */
function removeRoute(b: ProgramBuilder, socket: Slot, route: Route): void {
  const gone = encodeMessages([delRoute(route)]);
  netlink(b, "leave by another way", socket, gone, undefined, { tolerate: ["ESRCH", "ENODEV"] });
}

/** The default route of a container on these places. */
function defaultRoute(places: readonly Place[], isIPv6: boolean): Route | undefined {
  const place = places.find(({ endpoint }) => (isIPv6 ? endpoint.gateway6 : endpoint.gateway4));
  if (place === undefined) return undefined;
  const { network, endpoint } = place;
  const exits = exitsByGateway(network, endpoint);
  const exit = isForeign(network) ? foreignExit(endpoint, isIPv6) : isIPv6 ? exits.ipv6 : exits.ipv4;
  if (exit === undefined) return undefined;
  // The index of what CNI made is CNI's.
  const index = network.driver === "cni" ? {} : { index: endpoint.interfaceIndex };
  return { destination: isIPv6 ? "default6" : "default", ...exit, ...index };
}
