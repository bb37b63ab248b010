/**
 * What the engine's parts share about networks: which there are, which addresses and ports are taken, and who makes them
 * on the host.
 * @module
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import {
  effectivePools,
  hostPorts,
  isPredefined,
  isUnspecified,
  parseDefaultPool,
  PortReservations,
  readDriverOptions,
  userDrivers,
  type NetworkRecord,
  type NetworkSurroundings,
  type PortRange,
  type ResolverClient,
} from "../network/mod.ts";
import { AddressBook } from "./address-book.ts";
import type { HostConfig } from "./container-types.ts";
import type { NetworkOptions } from "./daemon-options.ts";
import type { ForeignNetworks } from "./foreign-networks.ts";
import type { HostNetworks } from "./host-networks.ts";
import type { LiveNetworks } from "./live-networks.ts";
import type { NetworkStore } from "./network-store.ts";

/** What a container's resolv.conf says in place of the host's. */
export type DnsSettings = Pick<HostConfig, "Dns" | "DnsOptions" | "DnsSearch">;

/** Everything about networks that the engine's parts work with. */
export class NetworkContext {
  readonly store: NetworkStore;
  readonly options: NetworkOptions;
  readonly host: HostNetworks;
  readonly live: LiveNetworks;
  readonly addresses: AddressBook;
  readonly ports: PortReservations;
  readonly resolver: ResolverClient;
  readonly foreign: ForeignNetworks;
  readonly #engineId: string;
  /** Whether the host was seen to have IPv6. */
  #ipv6 = false;

  constructor(
    store: NetworkStore,
    options: NetworkOptions,
    host: HostNetworks,
    live: LiveNetworks,
    resolver: ResolverClient,
    foreign: ForeignNetworks,
    engineId: string,
  ) {
    this.foreign = foreign;
    this.live = live;
    this.resolver = resolver;
    this.store = store;
    this.options = options;
    this.host = host;
    this.#engineId = engineId;
    this.addresses = new AddressBook(store);
    this.ports = new PortReservations(localPortRange());
    for (const network of store.all()) {
      for (const { ports } of store.endpointsOn(network.id)) this.ports.restore(ports.flatMap(hostPorts));
    }
  }

  /** The id of the network of this name; empty if there is none (`container:x`). */
  id(name: string): string {
    return this.store.byName(name)?.id ?? "";
  }

  /** Addresses of the host on which ports are published that name none. */
  publishedAddresses({ options }: NetworkRecord): string[] {
    const own = options["com.docker.network.bridge.host_binding_ipv4"];
    const address = own !== undefined && own !== "0.0.0.0" ? own : this.options.publishedPorts.defaultAddress;
    if (address === undefined || isUnspecified(address)) {
      // Looking goes through all links of the host: once is enough.
      this.#ipv6 ||= hasIPv6();
      return this.#ipv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"];
    }
    return [address];
  }

  /** Where `host-gateway` of `--add-host` leads. */
  hostGateway(): readonly string[] {
    if (this.options.hostGatewayAddresses.length > 0) return this.options.hostGatewayAddresses;
    const bridge = this.store.byName("bridge");
    return (bridge?.ipam.pools ?? []).flatMap(({ gateway }) => gateway ?? []);
  }

  /** What a container asks names with: its own settings, or the daemon's (`--dns`, `--dns-opt`, `--dns-search`). */
  dnsOf({ Dns, DnsOptions, DnsSearch }: DnsSettings): DnsSettings {
    const { dns, dnsOptions, dnsSearch } = this.options;
    const either = (own: readonly string[] | null, usual: readonly string[]): readonly string[] | null =>
      own !== null && own.length > 0 ? own : usual.length > 0 ? usual : null;
    return {
      Dns: either(Dns, dns),
      DnsOptions: either(DnsOptions, dnsOptions),
      DnsSearch: either(DnsSearch, dnsSearch),
    };
  }

  /** What a request for a new network is judged by. */
  async surroundings(): Promise<Omit<NetworkSurroundings, "id" | "created">> {
    const given = this.options.defaultAddressPools.map(({ base, size }) =>
      parseDefaultPool(`base=${base},size=${size}`),
    );
    return {
      existing: this.store.all(),
      host: await this.host.prefixes(),
      pools: effectivePools(given, this.#engineId),
      defaultOptions: this.options.defaultNetworkOptions,
      drivers: userDrivers,
      checkOptions: (network) => readDriverOptions(network, this.store.all()),
    };
  }
}

/** Whether a user made the network: then names are answered on it. */
export function isUserDefined({ name }: NetworkRecord): boolean {
  return !isPredefined(name);
}

/** The ports that the kernel gives out (ip(7), ip_local_port_range). */
function localPortRange(): PortRange {
  try {
    const [first = 0, last = 0] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8")
      .trim()
      .split(/\s+/)
      .map(Number);
    if (first > 0 && last >= first) return { first, last };
  } catch {
    // As Docker has it where the kernel doesn't say.
  }
  return { first: 49153, last: 65535 };
}

/** Whether the host has IPv6 at all: then its loopback interface has an address of it. */
function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === "IPv6"));
}
