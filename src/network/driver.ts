/**
 * What a network driver does. A driver decides and adds operations to programs; it changes nothing itself. Drivers of one
 * host (bridge, macvlan, ipvlan) and of several (overlay, plugins) have the same shape.
 * @module
 */
import type { ProgramBuilder, Result, Slot } from "../kernel/mod.ts";
import type { Endpoint, NetworkRecord } from "./types.ts";

/** A container's network namespace: of a process that was cloned in this program, or open in a slot. */
export type Sandbox = { readonly pid: Result } | { readonly descriptor: Slot };

/** Facts of a link of the host, read before compiling. */
export interface LinkFacts {
  readonly index: number;
  readonly mtu: number;
  /** `bridge`, `vlan`; undefined: hardware. */
  readonly kind?: string;
  /** The note on it: by it what a driver made is told from what was there. */
  readonly alias?: string;
}

/**
 * One part of making or removing a network: a program that depends on links which an earlier step may have made. What
 * `links` names is looked up just before; what the host doesn't have is undefined.
 */
export interface NetworkStep {
  readonly links: readonly string[];
  /** Adds the operations, maybe none. Throws what is wrong with the links, in Docker's words. */
  add(b: ProgramBuilder, links: readonly (LinkFacts | undefined)[]): void;
}

/** Whether subnets need a gateway of which the user says nothing. */
export interface GatewayNeeds {
  readonly gateway4: boolean;
  readonly gateway6: boolean;
}

/** Where an endpoint is made. */
export interface AttachPlace {
  /** A route socket of the host's namespace. */
  readonly socket: Slot;
  readonly sandbox: Sandbox;
  /** Facts of the link that {@link NetworkDriver.link} names. */
  readonly link: LinkFacts;
  /** Of a bridge: the container reaches its own published ports by way of it. */
  readonly hairpin?: boolean;
  /** Whether the firewall sees nothing of what a bridge passes from port to port: the host's kernel has no br_netfilter. */
  readonly unfiltered?: boolean;
}

/** One network's driver. */
export interface NetworkDriver {
  readonly name: string;
  /**
   * Judges the options of a network that is to be made.
   * @throws invalid-parameter, forbidden, internal with Docker's texts
   */
  check(network: NetworkRecord, others: readonly NetworkRecord[]): GatewayNeeds;
  /**
   * Makes what the network itself needs in the host's namespace (a bridge with its addresses, a VLAN or dummy parent).
   * What is there already is left as it is: the same steps restore a network after a reboot.
   */
  up(network: NetworkRecord): readonly NetworkStep[];
  /**
   * Removes what {@link up} made, unless one of `others` still needs it. What is gone already is no error, and what a
   * person made stays.
   */
  down(network: NetworkRecord, others: readonly NetworkRecord[]): readonly NetworkStep[];
  /** Name of the link whose {@link LinkFacts} endpoints need; undefined: none. */
  link(network: NetworkRecord): string | undefined;
  /**
   * Adds, in the host's namespace, the making of the endpoint's interface inside of the sandbox (down, named, with its
   * MAC address).
   */
  attach(b: ProgramBuilder, network: NetworkRecord, endpoint: Endpoint, place: AttachPlace): void;
  /**
   * Adds, inside of the container's namespace, addresses, routes and the interface's start. `socket` is a route socket of
   * that namespace; /proc must be a procfs that is writable.
   */
  configure(b: ProgramBuilder, network: NetworkRecord, endpoint: Endpoint, socket: Slot): void;
}
