/**
 * Networks on the host: what follows from the rows of networks and endpoints is made, and made again when it is gone.
 * Programs do it; this says when, and remembers what they need to know of the host.
 * @module
 */
import { messageOf } from "../errors/mod.ts";
import { close, int, ProgramBuilder, slotList, type Executors, type Result } from "../kernel/mod.ts";
import { openNetlink } from "../kernel/netlink/mod.ts";
import {
  addElements,
  addResolverRules,
  bindPort,
  companionSlots,
  driverOf,
  enableForwarding,
  Firewall,
  FirewallObserver,
  forgetExchanges,
  forgetOneByOne,
  bridgesAreUnfiltered,
  hostPrefixes,
  keepFirewall,
  linkAddresses,
  LinkIndex,
  linkElements,
  networkElements,
  openFirewall,
  openNamespace,
  portElements,
  readBridgeOptions,
  removeElements,
  startLoopback,
  startProxy,
  startRelay,
  unchosen,
  type FirewallElement,
  type FirewallNetwork,
  type LinkFacts,
  type NetworkRecord,
  type NetworkStep,
  type Relay,
  type PublishedPort,
} from "../network/mod.ts";
import type { NetworkPlan } from "../runtime/mod.ts";
import { hasResolver } from "./container-names.ts";
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
  /** Linux's version: `[6, 12]`. */
  readonly kernel: readonly [number, number];
  /** Path of the socket at which relays find the resolver. */
  readonly relaySocket: string;
  readonly log: EngineLog;
}

/** The host's side of all networks. */
export class HostNetworks {
  readonly #context: HostNetworksContext;
  readonly #links: LinkIndex;
  readonly #firewall: Firewall;
  /** Whether from outside the proxies alone lead to published ports. */
  readonly #steers: boolean;
  #observer: FirewallObserver | undefined;
  #ready: Promise<void> | undefined;

  constructor(context: HostNetworksContext) {
    this.#context = context;
    const { bridgeAcceptMark: accept, publishedPorts } = context.options;
    this.#steers = publishedPorts.respectHostFirewall;
    this.#links = new LinkIndex(() => context.executors.warm());
    this.#firewall = new Firewall({
      executor: () => context.executors.warm(),
      respectHostFirewall: publishedPorts.respectHostFirewall,
      ...(accept === undefined ? {} : { acceptMark: { value: accept.mark, mask: accept.mask } }),
    });
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
    const { executors, store, log, options } = this.#context;
    const forwarding = new ProgramBuilder();
    if (options.ipForward) enableForwarding(forwarding, { ipv4: true, ipv6: true });
    await executors.warm().run(forwarding.build(), { doing: "let the host forward packets" });
    for (const network of store.all()) {
      if (network.configOnly) continue;
      try {
        await this.up(network);
      } catch (error) {
        log.error(`make network ${network.name}: ${messageOf(error)}`, { error });
      }
    }
    if (!options.iptables && !options.ip6tables) return;
    await this.#restore();
    await this.#watch();
  }

  /** UDP exchanges with published ports go on to where they went before, unless they are forgotten. */
  forget(places: readonly Place[]): void {
    const { executors, kernel, log } = this.#context;
    const ports = unchosen(
      places.flatMap(({ endpoint }) => endpoint.ports),
      kernel,
    );
    if (ports.length === 0) return;
    forgetOneByOne(executors.warm(), ports).catch((error: unknown) => {
      log.warn(`forget UDP exchanges with published ports: ${messageOf(error)}`, { error });
    });
  }

  /** Something on the host isn't as it was left: whoever comes next finds out, and makes what is missing. */
  doubt(): void {
    this.#links.forgetAll();
    this.#ready = undefined;
  }

  /** Somebody flushes or reloads the firewall: what was in it comes back. */
  async #watch(): Promise<void> {
    const { executors, log } = this.#context;
    if (this.#observer !== undefined) return;
    this.#observer = new FirewallObserver(
      executors.session(),
      async () => this.#firewall.remake(this.#elements()),
      async () => {
        const what = await this.#restore();
        await this.#firewall.remember();
        log.info(
          what === "loaded" ? "brought the firewall's rules back" : "brought the firewall's elements back",
        );
      },
      (error) => log.error(`watch over the firewall: ${messageOf(error)}`, { error }),
    );
    await this.#observer.start();
    // Nobody waits for this: without it the firewall comes back all the same, as quickly as nft starts.
    this.#firewall.remember().catch((error: unknown) => {
      log.warn(`remember the firewall's table: ${messageOf(error)}`, { error });
    });
  }

  /** Brings the firewall to what it must have. */
  async #restore(): Promise<"loaded" | "kept"> {
    let what: "loaded" | "kept" = "kept";
    // Who publishes or ends publishing meanwhile may have been overtaken by what was known before.
    let restored = "";
    for (let wanted = this.#elements(); JSON.stringify(wanted) !== restored; wanted = this.#elements()) {
      restored = JSON.stringify(wanted);
      what = await this.#firewall.ensure(wanted);
    }
    return what;
  }

  /** Everything that the firewall must have. */
  #elements(): FirewallElement[] {
    const { store } = this.#context;
    return store.all().flatMap((network) => {
      const known = this.#firewalled(network);
      if (known === undefined) return [];
      const endpoints = store.endpointsOn(network.id);
      const ports = endpoints.flatMap(({ ports: published }) => published);
      const links = endpoints.flatMap((endpoint) => endpoint.links ?? []);
      return this.#allowed([
        ...networkElements(known),
        ...portElements(known, ports, this.#steers),
        ...linkElements(links),
      ]);
    });
  }

  /** Those of the families that the firewall is wanted for (`--iptables`, `--ip6tables`). */
  #allowed(elements: readonly FirewallElement[]): FirewallElement[] {
    const { iptables, ip6tables } = this.#context.options;
    return elements.filter(({ set, text: key }) => {
      if (set.endsWith("6") || key.startsWith("ipv6 ")) return ip6tables;
      if (set.endsWith("4") || key.startsWith("ipv4 ")) return iptables;
      return iptables || ip6tables;
    });
  }

  /** What the firewall knows a network by; undefined: it has no business with it. */
  #firewalled(network: NetworkRecord): FirewallNetwork | undefined {
    const { iptables, ip6tables } = this.#context.options;
    if (network.driver !== "bridge" || network.configOnly || !(iptables || ip6tables)) return undefined;
    return {
      options: readBridgeOptions(network),
      subnets: network.ipam.pools.map(({ subnet }) => subnet),
      internal: network.internal,
      directRouting: this.#context.options.allowDirectRouting,
    };
  }

  /**
   * Adds, in the host's namespace, what the firewall has for these places, or its removal. `kept`: in the warm executor,
   * which has a socket for it.
   */
  rules(b: ProgramBuilder, places: readonly Place[], how: typeof addElements, kept = false): void {
    const elements = places.flatMap(({ network, endpoint }) => {
      const known = this.#firewalled(network);
      if (known === undefined) return [];
      return this.#allowed([
        ...(endpoint.ports.length === 0 ? [] : portElements(known, endpoint.ports, this.#steers)),
        ...linkElements(endpoint.links ?? []),
      ]);
    });
    if (elements.length === 0) return;
    const socket = kept ? keepFirewall(b) : b.slot("netfilter socket");
    if (!kept) openFirewall(b, socket);
    how(b, "publish its ports", socket, elements);
    forgetExchanges(
      b,
      socket,
      places.flatMap(({ endpoint }) => endpoint.ports),
    );
    if (!kept) close(b, socket);
  }

  /** Ends the watch. What was made stays for the containers that run; without any the firewall's table goes. */
  async close(): Promise<void> {
    this.#observer?.close();
    const { store } = this.#context;
    if (this.#ready === undefined || store.all().some(({ id }) => store.countOn(id) > 0)) return;
    await this.#ready
      .then(() => this.#firewall.unload())
      .catch((error: unknown) => {
        this.#context.log.warn(`take the firewall's table away: ${messageOf(error)}`);
      });
  }

  /** Makes what the network needs on the host. */
  async up(network: NetworkRecord): Promise<void> {
    await this.#perform(driverOf(network).up(network), `make network ${network.name}`);
    const known = this.#firewalled(network);
    // While the firewall is being loaded, it is loaded with everything.
    if (known === undefined || this.#observer === undefined) return;
    await this.#change(network, known, addElements);
  }

  /** Removes it. */
  async down(network: NetworkRecord): Promise<void> {
    const others = this.#context.store.all();
    await this.#perform(driverOf(network).down(network, others), `remove network ${network.name}`);
    const known = this.#firewalled(network);
    // While the firewall is being loaded, it is loaded without.
    if (known !== undefined && this.#observer !== undefined)
      await this.#change(network, known, removeElements);
  }

  /** What the firewall has for the network itself. */
  async #change({ name }: NetworkRecord, known: FirewallNetwork, how: typeof addElements): Promise<void> {
    const b = new ProgramBuilder();
    how(b, "let packets of its bridge through", keepFirewall(b), this.#allowed(networkElements(known)));
    await this.#context.executors.warm().run(b.build(), { doing: `change the firewall for network ${name}` });
  }

  /** Does one step after the other, each with what its links are by then. */
  async #perform(steps: readonly NetworkStep[], doing: string): Promise<void> {
    const { executors } = this.#context;
    for (const step of steps) {
      const facts = await Promise.all(step.links.map((name) => this.#links.look(name)));
      const b = new ProgramBuilder();
      step.add(b, facts);
      const program = b.build();
      // Removing a link takes the kernel longer than anything else: side by side with whatever comes meanwhile.
      if (program.operations.length > 0) await executors.warm().fork(program, { doing });
      for (const name of step.links) this.#links.forget(name);
    }
  }

  /** Prefixes that new subnets must not overlap. */
  async prefixes(): Promise<string[]> {
    return hostPrefixes(this.#context.executors.warm());
  }

  /** The addresses with their prefixes that a link of the host has; none without the link. */
  async addressesOf(link: string): Promise<string[]> {
    return linkAddresses(this.#context.executors.warm(), await this.#links.look(link));
  }

  /** Facts of the link that places on the network are made by. */
  async facts(network: NetworkRecord): Promise<LinkFacts> {
    const name = driverOf(network).link(network);
    return name === undefined ? { index: 0, mtu: 0 } : this.#links.find(name);
  }

  /** What the program that starts the container adds for its network. */
  async plan(container: Container, places: readonly Place[]): Promise<NetworkPlan> {
    const links = await Promise.all(places.map(({ network }) => this.facts(network)));
    const relay = hasResolver(places) ? this.relay(container) : undefined;
    return {
      before: (b) => {
        this.rules(b, places, addElements);
        const ports = places.flatMap(({ endpoint }) => endpoint.ports);
        this.proxies(b, ports, "shim");
      },
      outside: (b, pid) => {
        this.#attach(b, places, links, pid);
        if (relay !== undefined) {
          startRelay(b, relay, openNamespace(b, pid), "shim");
        }
        // The last thing: all that others could want to know of the container's namespace is there.
        if (places.some(({ network }) => network.driver === "cni")) {
          b.composite("wait for the plugins of CNI", "hold", []);
        }
      },
      inside: (b) => {
        const socket = b.slot("its route socket");
        startLoopback(b, socket);
        for (const { network, endpoint } of places) driverOf(network).configure(b, network, endpoint, socket);
        close(b, socket);
        if (relay === undefined) return;
        openNetlink(b, "open a netfilter socket", "netfilter", socket);
        addResolverRules(b, socket, relay.udpPort, relay.tcpPort);
        close(b, socket);
      },
    };
  }

  /** Nobody else listens in a namespace that is new, so any port is free. */
  relay({ id }: Container): Relay {
    const port = (): number => 32768 + Math.floor(Math.random() * 28000);
    return { container: id, resolver: this.#context.relaySocket, udpPort: port(), tcpPort: port() };
  }

  #attach(b: ProgramBuilder, places: readonly Place[], links: readonly LinkFacts[], pid: Result): void {
    const socket = b.slot("route socket");
    openNetlink(b, "open a route socket", "route", socket);
    for (const [i, { network, endpoint }] of places.entries()) {
      const link = links[i] ?? { index: 0, mtu: 0 };
      // Whoever publishes a port may be the one who asks for it.
      const hairpin = endpoint.ports.length > 0;
      const place = { socket, sandbox: { pid }, link, hairpin, unfiltered: bridgesAreUnfiltered() };
      driverOf(network).attach(b, network, endpoint, place);
    }
    close(b, socket);
  }

  /** Adds the taking of published ports, and their proxies. A range that is translated in every case needs neither. */
  proxies(b: ProgramBuilder, ports: readonly PublishedPort[], parent: "shim" | "guard"): void {
    const { userlandProxy, userlandProxyPath } = this.#context.options;
    const taken = ports.filter(
      ({ count, hostPort, proxyPort }) => hostPort !== 0 && (count === 1 || proxyPort !== undefined),
    );
    if (taken.length === 0) return;
    if (!userlandProxy) {
      for (const port of taken) {
        // What the shim keeps it keeps by its slot.
        const listener = b.slot("listener");
        bindPort(b, port, listener);
        b.composite("keep the port", "keep", [slotList([listener]), int(1, "exit")]);
      }
      return;
    }
    const listener = b.slot("listener");
    const status = b.slot("the proxy's status");
    const start = { path: userlandProxyPath, parent, slots: companionSlots(b), status };
    for (const port of taken) {
      bindPort(b, port, listener);
      startProxy(b, port, listener, start);
    }
  }

  /** The places' containers don't run any more. Nobody waits for this, but whoever comes next is behind it. */
  release(places: readonly Place[]): void {
    const b = new ProgramBuilder();
    this.rules(b, places, removeElements, true);
    const program = b.build();
    if (program.operations.length === 0) return;
    this.forget(places);
    const { executors, log } = this.#context;
    executors
      .warm()
      .run(program, { doing: "end the publishing of ports" })
      .catch((error: unknown) => {
        log.error(messageOf(error), { error });
      });
  }
}
