/**
 * Who has which name on which network, as far as one container sees it. Each change costs as much as what it changes.
 * @module
 */
import { addressText, tryAddressBytes } from "../../kernel/netlink/mod.ts";
import type { DnsChange, DnsContainer, DnsEndpoint, DnsNetwork, DnsState } from "./types.ts";

/** One network's names and addresses. */
class Names {
  network: DnsNetwork | undefined;
  readonly byName = new Map<string, Set<DnsEndpoint>>();
  readonly byAddress = new Map<string, DnsEndpoint>();

  get empty(): boolean {
    return this.network === undefined && this.byName.size === 0 && this.byAddress.size === 0;
  }

  add(endpoint: DnsEndpoint): void {
    for (const name of endpoint.names.map(lower)) {
      const holders = this.byName.get(name);
      if (holders === undefined) this.byName.set(name, new Set([endpoint]));
      else holders.add(endpoint);
    }
    for (const address of addressesOf(endpoint)) this.byAddress.set(address, endpoint);
  }

  remove(endpoint: DnsEndpoint): void {
    for (const name of endpoint.names.map(lower)) {
      const holders = this.byName.get(name);
      holders?.delete(endpoint);
      if (holders?.size === 0) this.byName.delete(name);
    }
    for (const address of addressesOf(endpoint)) {
      if (this.byAddress.get(address) === endpoint) this.byAddress.delete(address);
    }
  }
}

/** What a container finds. */
export interface Found {
  /** On the first of its networks that has the name with an address of the family; empty: it has none of the family. */
  readonly addresses: readonly string[];
}

/** All names of all networks. */
export class Zone {
  readonly #networks = new Map<string, Names>();
  readonly #endpoints = new Map<string, DnsEndpoint>();
  readonly #containers = new Map<string, DnsContainer>();

  /** Forgets everything and takes `state`. */
  replace(state: DnsState): void {
    this.#networks.clear();
    this.#endpoints.clear();
    this.#containers.clear();
    for (const network of state.networks) this.apply({ op: "network", network });
    for (const endpoint of state.endpoints) this.apply({ op: "endpoint", endpoint });
    for (const container of state.containers) this.apply({ op: "container", container });
  }

  /** Takes one change. */
  apply(change: DnsChange): void {
    switch (change.op) {
      case "network":
        this.#names(change.network.id).network = change.network;
        return;
      case "network-gone": {
        const names = this.#networks.get(change.id);
        if (names !== undefined) names.network = undefined;
        return this.#tidy(change.id);
      }
      case "endpoint":
        this.#removeEndpoint(change.endpoint.id);
        this.#endpoints.set(change.endpoint.id, change.endpoint);
        return this.#names(change.endpoint.network).add(change.endpoint);
      case "endpoint-gone":
        return this.#removeEndpoint(change.id);
      case "container":
        this.#containers.set(change.container.id, change.container);
        return;
      case "container-gone":
        this.#containers.delete(change.id);
        return;
    }
  }

  /** Everything, to be taken by {@link replace}. */
  state(): DnsState {
    return {
      networks: [...this.#networks.values()].flatMap(({ network }) => network ?? []),
      endpoints: [...this.#endpoints.values()],
      containers: [...this.#containers.values()],
    };
  }

  /** How many containers may ask. */
  get askers(): number {
    return this.#containers.size;
  }

  container(id: string): DnsContainer | undefined {
    return this.#containers.get(id);
  }

  /** Whether the container may ask outside: it is on a network that is not internal. */
  reachesOutside(container: DnsContainer): boolean {
    return container.networks.some((id) => this.#networks.get(id)?.network?.internal === false);
  }

  /**
   * Addresses of `name` as `container` sees it: a name, alias or link on one of its networks, or that with the network's
   * name behind a dot. Undefined: nobody is called so.
   */
  find(container: DnsContainer, name: string, family: "ipv4" | "ipv6"): Found | undefined {
    let known = false;
    for (const endpoints of this.#holders(container, lower(name))) {
      known = true;
      const addresses = endpoints.flatMap((endpoint) => endpoint[family] ?? []);
      if (addresses.length > 0) return { addresses };
    }
    return known ? { addresses: [] } : undefined;
  }

  /** `NAME.NETWORK` of whoever has the address (canonical text) on one of the container's networks. */
  reverse(container: DnsContainer, address: string): string | undefined {
    for (const id of container.networks) {
      const names = this.#networks.get(id);
      const [name] = names?.byAddress.get(address)?.names ?? [];
      if (name !== undefined && names?.network !== undefined) return `${name}.${names.network.name}`;
    }
    return undefined;
  }

  /** Endpoints with the name, network for network; the whole name goes before one with a network's name split off. */
  *#holders(container: DnsContainer, name: string): Generator<readonly DnsEndpoint[]> {
    for (const id of container.networks) {
      const holders = this.#holdersOn(container, id, name);
      if (holders !== undefined) yield holders;
    }
    for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
      const network = name.slice(dot + 1);
      for (const id of container.networks) {
        if (lower(this.#networks.get(id)?.network?.name ?? "") !== network) continue;
        const holders = this.#holdersOn(container, id, name.slice(0, dot));
        if (holders !== undefined) yield holders;
      }
    }
  }

  #holdersOn(container: DnsContainer, id: string, name: string): readonly DnsEndpoint[] | undefined {
    const links = container.links[id];
    const alias = links === undefined ? undefined : Object.keys(links).find((key) => lower(key) === name);
    const called = alias === undefined ? name : lower(links?.[alias] ?? name);
    const holders = this.#networks.get(id)?.byName.get(called);
    return holders === undefined ? undefined : [...holders];
  }

  #names(id: string): Names {
    const existing = this.#networks.get(id);
    if (existing !== undefined) return existing;
    const made = new Names();
    this.#networks.set(id, made);
    return made;
  }

  #removeEndpoint(id: string): void {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    this.#endpoints.delete(id);
    this.#networks.get(endpoint.network)?.remove(endpoint);
    this.#tidy(endpoint.network);
  }

  #tidy(id: string): void {
    if (this.#networks.get(id)?.empty === true) this.#networks.delete(id);
  }
}

const lower = (text: string): string => text.toLowerCase();

function addressesOf(endpoint: DnsEndpoint): string[] {
  return [endpoint.ipv4, endpoint.ipv6].flatMap((text) => {
    const bytes = text === undefined ? undefined : tryAddressBytes(text);
    return bytes === undefined ? [] : [addressText(bytes)];
  });
}
