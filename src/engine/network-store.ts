/**
 * The engine's networks and the places of running containers on them: found by whatever a client may call one by,
 * written through to the database.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Endpoint, NetworkRecord } from "../network/mod.ts";
import type { EndpointRow, StateDatabase } from "./database.ts";
import { Gathering } from "./gathering.ts";

/** What the database keeps of a network. */
interface NetworkRow extends NetworkRecord {
  /** It is gone for everybody; its links may not be yet. */
  readonly removed?: true;
}

/** All networks, and all endpoints on them. */
export class NetworkStore {
  readonly #database: StateDatabase;
  readonly #byId = new Map<string, NetworkRecord>();
  readonly #byName = new Map<string, NetworkRecord>();
  readonly #ofContainer = new Map<string, Endpoint[]>();
  readonly #onNetwork = new Map<string, Map<string, Endpoint>>();
  /** Endpoints that are over, but are not off the disk yet. */
  readonly #over = new Set<string>();
  /** Networks that an engine was about to remove that was killed. */
  readonly #removed: NetworkRecord[] = [];
  readonly #saving = new Gathering(() => this.#write());

  constructor(database: StateDatabase) {
    this.#database = database;
    for (const { data } of database.networks()) {
      const { removed, ...network } = JSON.parse(data) as NetworkRow;
      if (removed === true) this.#removed.push(network);
      else this.#index(network);
    }
    for (const { data } of database.endpoints()) this.#indexEndpoint(JSON.parse(data) as Endpoint);
  }

  #index(network: NetworkRecord): void {
    this.#byId.set(network.id, network);
    this.#byName.set(network.name, network);
  }

  #indexEndpoint(endpoint: Endpoint): void {
    const { container, network, id } = endpoint;
    this.#ofContainer.set(container, [...this.endpointsOf(container), endpoint]);
    const others = this.#onNetwork.get(network);
    if (others === undefined) this.#onNetwork.set(network, new Map([[id, endpoint]]));
    else others.set(id, endpoint);
  }

  all(): NetworkRecord[] {
    return [...this.#byId.values()];
  }

  byId(id: string): NetworkRecord | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): NetworkRecord | undefined {
    return this.#byName.get(name);
  }

  /** Finds by name, by id, by the beginning of an id; undefined if there is none, or more than one begins so. */
  lookUp(name: string): NetworkRecord | undefined {
    const exact = this.#byName.get(name) ?? this.#byId.get(name);
    if (exact !== undefined) return exact;
    const matches = this.#matches(name);
    return matches.length === 1 ? matches[0] : undefined;
  }

  /** Finds as {@link lookUp} does; `no-such-network`, or `invalid-parameter` if more than one begins so. */
  find(name: string): NetworkRecord {
    const found = this.lookUp(name);
    if (found !== undefined) return found;
    const { length } = this.#matches(name);
    if (length > 1) {
      const message = `network ${name} is ambiguous (${length} matches found based on ID prefix)`;
      throw failure("invalid-parameter", { message });
    }
    throw failure("no-such-network", { name });
  }

  #matches(prefix: string): NetworkRecord[] {
    return /^[0-9a-f]+$/.test(prefix) ? this.all().filter(({ id }) => id.startsWith(prefix)) : [];
  }

  /** Adds a network, or writes it anew. */
  put(network: NetworkRecord): void {
    this.#database.transaction(() =>
      this.#database.insertNetwork(network.id, network.name, JSON.stringify(network)),
    );
    this.#index(network);
  }

  /** The network is gone for everybody, and its name is free; {@link forget} follows when nothing of it is left. */
  delete(network: NetworkRecord): void {
    const { id, name } = network;
    const row: NetworkRow = { ...network, removed: true };
    this.#database.transaction(() => this.#database.insertNetwork(id, id, JSON.stringify(row)));
    this.#byId.delete(id);
    this.#byName.delete(name);
    this.#onNetwork.delete(id);
  }

  /** Nothing is left of a network that was deleted. */
  forget({ id }: NetworkRecord): void {
    this.#database.transaction(() => this.#database.deleteNetwork(id));
  }

  /** Networks that were deleted, of which something may be left: an engine was killed before it called {@link forget}. */
  takeRemoved(): NetworkRecord[] {
    return this.#removed.splice(0);
  }

  endpointsOf(container: string): readonly Endpoint[] {
    return this.#ofContainer.get(container) ?? [];
  }

  endpointsOn(network: string): readonly Endpoint[] {
    return [...(this.#onNetwork.get(network)?.values() ?? [])];
  }

  /** How many endpoints are on a network. */
  countOn(network: string): number {
    return this.#onNetwork.get(network)?.size ?? 0;
  }

  /** Adds endpoints, all in one transaction. */
  addEndpoints(endpoints: readonly Endpoint[]): void {
    this.#database.transaction(() => {
      this.#deleteOver();
      for (const endpoint of endpoints) this.#database.insertEndpoint(rowOf(endpoint));
    });
    this.#over.clear();
    for (const endpoint of endpoints) this.#indexEndpoint(endpoint);
  }

  /**
   * These endpoints are over: their addresses are free at once, their rows go soon. Should the engine be killed before,
   * the next one finds that their container doesn't run.
   */
  removeEndpoints(endpoints: readonly Endpoint[]): void {
    for (const { id, container, network } of endpoints) {
      const left = this.endpointsOf(container).filter((other) => other.id !== id);
      if (left.length === 0) this.#ofContainer.delete(container);
      else this.#ofContainer.set(container, left);
      this.#onNetwork.get(network)?.delete(id);
      this.#over.add(id);
    }
    if (this.#over.size > 0) this.#saving.soon();
  }

  /** Replaces what is known of an endpoint (another gateway, other ports). */
  replaceEndpoint(endpoint: Endpoint): void {
    this.#database.transaction(() => {
      this.#database.deleteEndpoint(endpoint.id);
      this.#database.insertEndpoint(rowOf(endpoint));
    });
    const others = this.endpointsOf(endpoint.container);
    this.#ofContainer.set(
      endpoint.container,
      others.map((other) => (other.id === endpoint.id ? endpoint : other)),
    );
    this.#onNetwork.get(endpoint.network)?.set(endpoint.id, endpoint);
  }

  /** Writes now that endpoints are over. Throws if it can't be written, after which it is tried again. */
  flush(): void {
    this.#saving.now();
  }

  #write(): void {
    if (this.#over.size === 0) return;
    this.#database.transaction(() => this.#deleteOver());
    this.#over.clear();
  }

  #deleteOver(): void {
    for (const id of this.#over) this.#database.deleteEndpoint(id);
  }
}

function rowOf(endpoint: Endpoint): EndpointRow {
  const { id, network, container, ipv4 = null, ipv6 = null } = endpoint;
  return { id, network, container, ipv4, ipv6, data: JSON.stringify(endpoint) };
}
