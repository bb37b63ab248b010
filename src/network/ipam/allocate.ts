/**
 * Giving out addresses of a network: one after the other, so that one that was released is the last to come back.
 * What was given is in the rows of endpoints; here it is only found quickly.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { IpamPool } from "../types.ts";
import {
  containsAddress,
  formatAddress,
  lastOf,
  parseAddress,
  parsePrefix,
  sizeOf,
  type Address,
  type Family,
  type Prefix,
} from "./addresses.ts";
import { Runs } from "./runs.ts";

/** The addresses of one subnet. */
export class AddressPool {
  readonly prefix: Prefix;
  /** Where addresses are given out from when nobody asks for one: the subnet, or its `--ip-range`. */
  readonly range: Prefix;
  readonly #taken = new Runs();
  readonly #reserved = new Set<bigint>();
  #last: bigint | undefined;

  /** The network address, and of IPv4 the broadcast address, are reserved where there is room for them. */
  constructor(prefix: Prefix, range: Prefix = prefix) {
    this.prefix = prefix;
    this.range = range;
    const tiny = prefix.family === 4 && sizeOf(prefix) <= 2n;
    if (tiny) return;
    this.#reserve(prefix.base);
    if (prefix.family === 4) this.#reserve(lastOf(prefix).value);
  }

  #reserve(value: bigint): void {
    this.#taken.add(value);
    this.#reserved.add(value);
  }

  /** 4 or 6 */
  get family(): Family {
    return this.prefix.family;
  }

  /** Whether the address is of this subnet. */
  contains(address: Address): boolean {
    return containsAddress(this.prefix, address);
  }

  /** Takes the gateway's or an auxiliary address, which is never released. @throws as {@link take} */
  reserve(address: Address): void {
    this.take(address);
    this.#reserved.add(address.value);
  }

  /**
   * Takes this address of the subnet, inside of the range or not. It doesn't change which one is given out next.
   * @throws forbidden in Docker's words if it is taken, invalid-parameter if it isn't of this subnet
   */
  take(address: Address): void {
    if (!this.contains(address)) throw notInSubnets(address);
    if (!this.#taken.add(address.value)) throw failure("forbidden", { message: "Address already in use" });
  }

  /** Gives out the first free address behind the one that was given last; undefined: the range is used up. */
  allocate(): Address | undefined {
    const { base } = this.range;
    const end = lastOf(this.range).value;
    const from = this.#last === undefined || this.#last >= end ? base : this.#last + 1n;
    let value = this.#taken.nextFree(from);
    if (value > end) value = this.#taken.nextFree(base);
    if (value > end) return undefined;
    this.#taken.add(value);
    this.#last = value;
    return { family: this.family, value };
  }

  /** Gives one back. What is reserved, free or not of this subnet stays as it is. */
  release({ family, value }: Address): void {
    if (family === this.family && !this.#reserved.has(value)) this.#taken.delete(value);
  }

  /** Says that this address was given out before: it is taken, whoever else may have it, and the next one is behind it. */
  keep(address: Address): void {
    this.#taken.add(address.value);
    if (containsAddress(this.range, address)) this.#last = address.value;
  }

  /** Addresses that are taken, reserved ones among them. */
  get used(): bigint {
    return this.#taken.countIn(this.prefix.base, lastOf(this.prefix).value);
  }

  /** Entries in memory. */
  get runs(): number {
    return this.#taken.runs;
  }

  /** Addresses of the range that are free. */
  get available(): bigint {
    return sizeOf(this.range) - this.#taken.countIn(this.range.base, lastOf(this.range).value);
  }
}

/** A network as its addresses need it. */
export interface AddressedNetwork {
  readonly id: string;
  readonly name: string;
  readonly pools: readonly IpamPool[];
}

/** All subnets of one network. */
export class NetworkAddresses {
  readonly pools: readonly AddressPool[];
  readonly #network: AddressedNetwork;

  /** `taken`: the endpoints' addresses, in the order they were given. Those of no subnet are left out. */
  constructor(network: AddressedNetwork, taken: Iterable<string> = []) {
    this.#network = network;
    this.pools = network.pools.map(openPool);
    for (const text of taken) {
      const address = parseAddress(text);
      const pool = address === undefined ? undefined : this.#poolOf(address);
      if (address === undefined || pool === undefined) continue;
      pool.keep(address);
    }
  }

  #poolOf(address: Address): AddressPool | undefined {
    return this.pools.find((pool) => pool.contains(address));
  }

  /** Whether it has subnets of this family. */
  has(family: Family): boolean {
    return this.pools.some((pool) => pool.family === family);
  }

  /**
   * Gives out `wanted`, or the next address of the first subnet of this family that has one.
   * @throws forbidden `Address already in use`, invalid-parameter for one of no subnet, conflict when all are taken
   */
  allocate(family: Family, wanted?: string): string {
    if (wanted !== undefined) return this.#allocateFixed(family, wanted);
    for (const pool of this.pools) {
      if (pool.family !== family) continue;
      const address = pool.allocate();
      if (address !== undefined) return formatAddress(address);
    }
    const { name, id } = this.#network;
    const message = `no available IPv${family} addresses on this network's address pools: ${name} (${id})`;
    throw failure("conflict", { message });
  }

  #allocateFixed(family: Family, wanted: string): string {
    const address = parseAddress(wanted);
    if (address === undefined || address.family !== family) {
      throw failure("invalid-parameter", { message: `invalid IPv${family} address: ${wanted}` });
    }
    const pool = this.#poolOf(address);
    if (pool === undefined) throw notInSubnets(address);
    pool.take(address);
    return formatAddress(address);
  }

  /** Gives an address back. */
  release(text: string): void {
    const address = parseAddress(text);
    if (address !== undefined) this.#poolOf(address)?.release(address);
  }
}

/** A pool with its gateway and its auxiliary addresses reserved. */
function openPool({ subnet, ipRange, gateway, auxiliary }: IpamPool): AddressPool {
  const prefix = parsePrefix(subnet);
  const range = ipRange === undefined ? prefix : parsePrefix(ipRange);
  if (prefix === undefined || range === undefined) {
    throw failure("internal", { message: `read subnet ${subnet} of a network: it is no prefix` });
  }
  const pool = new AddressPool(prefix, range);
  const never = [...(gateway === undefined ? [] : [gateway]), ...Object.values(auxiliary ?? {})];
  for (const text of never) {
    const address = parseAddress(text);
    if (address !== undefined && pool.contains(address)) pool.reserve(address);
  }
  return pool;
}

function notInSubnets(address: Address): Error {
  const text = formatAddress(address);
  const message = `invalid address ${text}: It does not belong to any of this network's subnets`;
  return failure("invalid-parameter", { message });
}
