/**
 * What a network driver does. A driver decides and adds operations to programs; it changes nothing itself. Drivers of one
 * host (bridge, macvlan, ipvlan) and of several (overlay, plugins) have the same shape.
 * @module
 */
import type { ProgramBuilder, Result, Slot } from "../kernel/mod.ts";
import type { Endpoint, NetworkRecord } from "./types.ts";

/** A container's network namespace: of a process that was cloned in this program, or open in a slot. */
export type Sandbox = { readonly pid: Result } | { readonly descriptor: Slot };

/** Facts of the host that a driver's links depend on, read before compiling. */
export interface LinkFacts {
  /** Index of the network's own link (the bridge, the parent of a macvlan). */
  readonly index: number;
  readonly mtu: number;
}

/** One network's driver. */
export interface NetworkDriver {
  readonly name: string;
  /**
   * Adds what the network itself needs in the host's namespace (a bridge with its addresses, a VLAN or dummy parent).
   * What is there already is left as it is: the same program restores a network after a reboot.
   */
  up(b: ProgramBuilder, network: NetworkRecord): void;
  /** Adds the removal of what {@link up} made. What is gone already is no error. */
  down(b: ProgramBuilder, network: NetworkRecord): void;
  /** Name of the link whose {@link LinkFacts} endpoints need; undefined: none. */
  link(network: NetworkRecord): string | undefined;
  /**
   * Adds, in the host's namespace, the making of the endpoint's interface inside of `sandbox` (down, named, with its MAC
   * address). `socket` is a route socket of the host's namespace.
   */
  attach(
    b: ProgramBuilder,
    network: NetworkRecord,
    endpoint: Endpoint,
    where: { readonly socket: Slot; readonly sandbox: Sandbox; readonly link: LinkFacts },
  ): void;
  /** Adds, inside of the container's namespace, addresses, routes and the interface's start. */
  configure(b: ProgramBuilder, network: NetworkRecord, endpoint: Endpoint, socket: Slot): void;
}
