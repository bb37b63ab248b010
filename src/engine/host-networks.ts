/**
 * Networks on the host: what follows from the rows of networks and endpoints is made, and made again when it is gone.
 * Programs do it; this says when, and remembers what they need to know of the host.
 * @module
 */
import { messageOf } from "../errors/mod.ts";
import {
  CLONE,
  close,
  CWD,
  flags,
  int,
  O,
  open,
  ProgramBuilder,
  slotList,
  type Executors,
  type Result,
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
  bindPort,
  driverOf,
  hostPrefixes,
  LinkIndex,
  startProxy,
  startRelay,
  type Endpoint,
  type LinkFacts,
  type NetworkRecord,
  type PublishedPort,
} from "../network/mod.ts";
import type { NetworkPlan } from "../runtime/mod.ts";
import type { Container } from "./container-store.ts";
import type { NetworkOptions } from "./daemon-options.ts";
import type { Place } from "./endpoints.ts";
import type { NetworkStore } from "./network-store.ts";
import type { EngineLog } from "./services.ts";

/** What the networks of the host are made with. */
export interface HostNetworksContext {
  readonly executors: Executors;
  readonly store: NetworkStore;
  readonly options: NetworkOptions;
  readonly log: EngineLog;
}

/** The host's side of all networks. */
export class HostNetworks {
  readonly #context: HostNetworksContext;
  readonly #links: LinkIndex;
  #ready: Promise<void> | undefined;

  constructor(context: HostNetworksContext) {
    this.#context = context;
    this.#links = new LinkIndex(() => context.executors.warm());
  }

  /** Resolves when every network is there. What failed is tried again by whoever asks next. */
  async ready(): Promise<void> {
    this.#ready ??= this.#open().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #open(): Promise<void> {
    const { store, log } = this.#context;
    for (const network of store.all()) {
      if (network.configOnly) continue;
      try {
        await this.up(network);
      } catch (error) {
        log.error(`make network ${network.name}: ${messageOf(error)}`, { error });
      }
    }
  }

  /** Makes what the network needs on the host. */
  async up(network: NetworkRecord): Promise<void> {
    const b = new ProgramBuilder();
    const driver = driverOf(network);
    driver.up(b, network);
    const link = driver.link(network);
    if (link !== undefined) this.#links.forget(link);
    await this.#context.executors.warm().run(b.build(), { doing: `make network ${network.name}` });
  }

  /** Removes it. */
  async down(network: NetworkRecord): Promise<void> {
    const b = new ProgramBuilder();
    const driver = driverOf(network);
    driver.down(b, network);
    const link = driver.link(network);
    if (link !== undefined) this.#links.forget(link);
    await this.#context.executors.warm().fork(b.build(), { doing: `remove network ${network.name}` });
  }

  /** Prefixes that new subnets must not overlap. */
  async prefixes(): Promise<string[]> {
    return hostPrefixes(this.#context.executors.warm());
  }

  async #facts(network: NetworkRecord): Promise<LinkFacts> {
    const name = driverOf(network).link(network);
    return name === undefined ? { index: 0, mtu: 0 } : this.#links.find(name);
  }

  /** What the program that starts the container adds for its network. */
  async plan(container: Container, places: readonly Place[]): Promise<NetworkPlan> {
    const links = await Promise.all(places.map(({ network }) => this.#facts(network)));
    return {
      outside: (b, pid) => {
        this.#attach(b, places, links, pid);
        this.#proxies(b, places.flatMap(({ endpoint }) => endpoint.ports));
      },
      inside: (b) => {
        const socket = b.slot("its route socket");
        openNetlink(b, "open a route socket", "route", socket);
        netlink(b, "start the loopback interface", socket, encodeMessages([setLink({ index: 1 }, { up: true })]));
        for (const { network, endpoint } of places) driverOf(network).configure(b, network, endpoint, socket);
        close(b, socket);
      },
    };
  }

  #attach(b: ProgramBuilder, places: readonly Place[], links: readonly LinkFacts[], pid: Result): void {
    const socket = b.slot("route socket");
    openNetlink(b, "open a route socket", "route", socket);
    for (const [i, { network, endpoint }] of places.entries()) {
      const link = links[i] ?? { index: 0, mtu: 0 };
      driverOf(network).attach(b, network, endpoint, { socket, sandbox: { pid }, link });
    }
    close(b, socket);
  }

  #proxies(b: ProgramBuilder, ports: readonly PublishedPort[]): void {
    const { userlandProxy, userlandProxyPath } = this.#context.options;
    const listener = b.slot("listener");
    for (const port of ports) {
      if (port.count > 1) continue;
      bindPort(b, port, listener);
      if (userlandProxy) startProxy(b, port, listener, userlandProxyPath);
      else b.composite("keep the port", "keep", [slotList([listener]), int(1, "exit")]);
    }
  }

  /** The places' containers don't run any more. Nobody waits for this, but whoever comes next is behind it. */
  release(places: readonly Place[]): void {
    void places;
  }

  /** Makes a place for a container that runs. */
  async join(container: Container, { network, endpoint }: Place): Promise<void> {
    const link = await this.#facts(network);
    const driver = driverOf(network);
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, container.state.pid);
    const socket = b.slot("route socket");
    openNetlink(b, "open a route socket", "route", socket);
    driver.attach(b, network, endpoint, { socket, sandbox: { descriptor: namespace }, link });
    inNamespace(b, namespace, (inner) => driver.configure(b, network, endpoint, inner));
    await this.#context.executors.warm().fork(b.build(), { doing: `connect container ${container.name}` });
  }

  /** Undoes a place of a container that runs. */
  async leave(container: Container, place: Place): Promise<void> {
    this.release([place]);
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, container.state.pid);
    inNamespace(b, namespace, (inner) => {
      const name = place.endpoint.interface;
      netlink(b, `remove ${name}`, inner, encodeMessages([delLink({ name })]), undefined, {
        tolerate: ["ENODEV"],
      });
    });
    await this.#context.executors.warm().fork(b.build(), { doing: `disconnect container ${container.name}` });
  }

  /** Leads a running container's packets out by other places than before, and its published ports in. */
  async move(container: Container, before: readonly Place[], after: readonly Place[]): Promise<void> {
    const b = new ProgramBuilder();
    const namespace = openNamespace(b, container.state.pid);
    inNamespace(b, namespace, (inner) => {
      for (const isIPv6 of [false, true]) {
        const [old, now] = [before, after].map((places) => defaultRoute(places, isIPv6));
        if (old !== undefined) {
          const gone = encodeMessages([delRoute(old)]);
          // With the interface, its routes are gone as well.
          netlink(b, "leave by another way", inner, gone, undefined, { tolerate: ["ESRCH", "ENODEV"] });
        }
        if (now !== undefined) netlink(b, "leave by this way", inner, encodeMessages([replaceRoute(now)]));
      }
    });
    await this.#context.executors.warm().fork(b.build(), { doing: `route container ${container.name}` });
  }
}

/** Adds the opening of a running process's network namespace. */
function openNamespace(b: ProgramBuilder, pid: number): Slot {
  const namespace = b.slot("network namespace");
  open(b, "open its network namespace", CWD, `/proc/${pid}/ns/net`, flags(O, "RDONLY", "CLOEXEC"), namespace);
  return namespace;
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

/** The default route of a container on these places. */
function defaultRoute(places: readonly Place[], isIPv6: boolean): Route | undefined {
  const place = places.find(({ endpoint }) => (isIPv6 ? endpoint.gateway6 : endpoint.gateway4));
  const pool = place?.network.ipam.pools.find(({ subnet }) => subnet.includes(":") === isIPv6);
  if (place === undefined || pool?.gateway === undefined) return undefined;
  return {
    destination: isIPv6 ? "default6" : "default",
    via: pool.gateway,
    index: place.endpoint.interfaceIndex,
  };
}
