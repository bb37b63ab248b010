/**
 * Which addresses of which network are taken: derived from the rows of endpoints when the engine opens.
 * @module
 */
import { NetworkAddresses, type Endpoint, type EndpointRequest, type NetworkRecord } from "../network/mod.ts";
import type { NetworkStore } from "./network-store.ts";

/** The addresses of all networks. */
export class AddressBook {
  readonly #store: NetworkStore;
  readonly #byNetwork = new Map<string, NetworkAddresses>();

  constructor(store: NetworkStore) {
    this.#store = store;
  }

  #of({ id, name, ipam }: NetworkRecord): NetworkAddresses {
    const known = this.#byNetwork.get(id);
    if (known !== undefined) return known;
    const taken = this.#store.endpointsOn(id).flatMap(({ ipv4, ipv6 }) => [ipv4 ?? [], ipv6 ?? []].flat());
    const made = new NetworkAddresses({ id, name, pools: ipam.pools }, taken);
    this.#byNetwork.set(id, made);
    return made;
  }

  /**
   * Takes an address of each family that the network has: the one that is asked for, or the next.
   * @throws what {@link NetworkAddresses.allocate} throws; nothing is taken then
   */
  take(network: NetworkRecord, request: EndpointRequest): Pick<Endpoint, "ipv4" | "ipv6"> {
    const addresses = this.#of(network);
    const ipv4 = addresses.has(4) ? addresses.allocate(4, request.ipv4) : undefined;
    try {
      const ipv6 = addresses.has(6) ? addresses.allocate(6, request.ipv6) : undefined;
      return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) };
    } catch (error) {
      if (ipv4 !== undefined) addresses.release(ipv4);
      throw error;
    }
  }

  release(network: NetworkRecord, { ipv4, ipv6 }: Pick<Endpoint, "ipv4" | "ipv6">): void {
    const addresses = this.#of(network);
    if (ipv4 !== undefined) addresses.release(ipv4);
    if (ipv6 !== undefined) addresses.release(ipv6);
  }

  /** The network is gone. */
  forget({ id }: NetworkRecord): void {
    this.#byNetwork.delete(id);
  }
}
