/**
 * Indexes of endpoints' links. They are chosen before the links are made, so that one datagram can say what another needs.
 * @module
 */
import type { Endpoint, NetworkRecord } from "../types.ts";

/** In a new namespace there may be fallback tunnels (tunl0, sit0, …) with the first indexes. */
const FIRST_INSIDE = 16;
const HOST_ENDS = 0x4000_0000;
const LAN_LINKS = 0x2000_0000;

/** 28 bits of an endpoint's id, which is random: as many as the usual name of its host link shows. */
function bitsOf(id: string): number {
  return Number.parseInt(id.slice(0, 7), 16);
}

/** Index of a veth's end on the host, far above those that the kernel gives. */
export function hostIndexOf({ id }: Pick<Endpoint, "id">): number {
  return HOST_ENDS | bitsOf(id);
}

/**
 * Index that an endpoint's interface gets in its container.
 * @param id the endpoint's
 * @param position 0 for the container's first interface; distinct among its interfaces
 */
export function interfaceIndexOf({ driver }: NetworkRecord, id: string, position: number): number {
  // Linux before 6.14 looks for a macvlan's or ipvlan's index on the host, where it must be free as well.
  if (driver === "macvlan" || driver === "ipvlan") return LAN_LINKS | bitsOf(id);
  return FIRST_INSIDE + position;
}
