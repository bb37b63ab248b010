/**
 * Which ports of the host are taken by containers. A range costs as much as one.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { isIPv6Text, isUnspecified } from "../ipam/addresses.ts";
import type { Protocol } from "../types.ts";

/** Ports `first` … `last` of an address of the host. */
export interface HostPorts {
  readonly protocol: Protocol;
  readonly address: string;
  readonly first: number;
  readonly last: number;
}

/** The ports that the kernel itself gives out (ip_local_port_range), from which free ones are taken. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Whether both want a port of the same address. */
export function clashes(a: HostPorts, b: HostPorts): boolean {
  if (a.protocol !== b.protocol || a.first > b.last || b.first > a.last) return false;
  if (isIPv6Text(a.address) !== isIPv6Text(b.address)) return false;
  return a.address === b.address || isUnspecified(a.address) || isUnspecified(b.address);
}

/** All reservations of an engine. */
export class PortReservations {
  readonly #range: PortRange;
  /** Of one port, by it. */
  readonly #single = new Map<number, HostPorts[]>();
  readonly #ranges: HostPorts[] = [];
  #next: number;

  constructor(range: PortRange) {
    this.#range = range;
    this.#next = range.first;
  }

  /** Whether all of `wanted` is free. */
  free(wanted: HostPorts): boolean {
    return this.#firstTaken(wanted) === undefined;
  }

  /** The lowest port of `wanted` that is taken, and of which address it is. */
  #firstTaken(wanted: HostPorts): { readonly address: string; readonly port: number } | undefined {
    const { first, last } = wanted;
    const listed =
      first === last
        ? (this.#single.get(first) ?? [])
        : [...this.#single].flatMap(([port, taken]) => (port >= first && port <= last ? taken : []));
    const ports = [...listed, ...this.#ranges]
      .filter((taken) => clashes(taken, wanted))
      .map((taken) => ({ address: taken.address, port: Math.max(taken.first, first) }));
    return ports.length === 0 ? undefined : ports.reduce((a, b) => (b.port < a.port ? b : a));
  }

  /**
   * Takes these ports, of all these addresses.
   * @throws port-allocated, in Docker's words
   */
  take(all: readonly HostPorts[]): void {
    for (const wanted of all) {
      const taken = this.#firstTaken(wanted);
      if (taken !== undefined)
        throw failure("port-allocated", { address: taken.address, port: String(taken.port) });
    }
    for (const ports of all) this.#add(ports);
  }

  /**
   * Takes a port that is free at all of these addresses, out of `within` or of those that the kernel gives out.
   * `passing`: these were tried and somebody else has them.
   * @throws ports-exhausted
   */
  takeAny(
    protocol: Protocol,
    addresses: readonly string[],
    within?: PortRange,
    passing: ReadonlySet<number> = new Set(),
  ): number {
    const { first, last } = within ?? this.#range;
    const size = last - first + 1;
    const begin = within === undefined ? this.#next : first;
    for (let i = 0; i < size; i++) {
      const port = first + ((begin - first + i) % size);
      if (passing.has(port)) continue;
      const wanted = addresses.map((address) => ({ protocol, address, first: port, last: port }));
      if (!wanted.every((ports) => this.free(ports))) continue;
      for (const ports of wanted) this.#add(ports);
      if (within === undefined) this.#next = port === last ? first : port + 1;
      return port;
    }
    throw failure("ports-exhausted", {});
  }

  /** Takes what was taken before the engine was started again, without asking. */
  restore(all: readonly HostPorts[]): void {
    for (const ports of all) this.#add(ports);
  }

  /** Gives back what was taken. */
  release(all: readonly HostPorts[]): void {
    for (const { protocol, address, first, last } of all) {
      const list = first === last ? (this.#single.get(first) ?? []) : this.#ranges;
      const index = list.findIndex(
        (taken) =>
          taken.protocol === protocol &&
          taken.address === address &&
          taken.first === first &&
          taken.last === last,
      );
      if (index !== -1) list.splice(index, 1);
      if (first === last && list.length === 0) this.#single.delete(first);
    }
  }

  #add(ports: HostPorts): void {
    if (ports.first !== ports.last) {
      this.#ranges.push(ports);
      return;
    }
    const list = this.#single.get(ports.first);
    if (list === undefined) this.#single.set(ports.first, [ports]);
    else list.push(ports);
  }
}
