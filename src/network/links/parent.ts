/**
 * The host's link that macvlan and ipvlan networks sit on: one that is there, a VLAN of it (`eth0.10`), or a dummy.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { close, type ProgramBuilder } from "../../kernel/mod.ts";
import {
  delLink,
  encodeMessages,
  netlink,
  newLink,
  openNetlink,
  setLink,
  type LinkKind,
} from "../../kernel/netlink/mod.ts";
import type { NetworkStep } from "../driver.ts";
import type { NetworkRecord } from "../types.ts";
import type { LanOptions } from "./lan-options.ts";
import { isOurs, noteOf } from "./ownership.ts";

const LARGEST_VLAN = 4094;

/** The parent's name; without one in the options a dummy of the network's own. */
export function parentName({ id }: NetworkRecord, { parent }: LanOptions): string {
  return parent ?? `dm-${id.slice(0, 12)}`;
}

function refused(message: string): Error {
  return failure("invalid-parameter", { message });
}

interface Vlan {
  /** The link that it is of. */
  readonly below: string;
  /** As it was written. */
  readonly id: string;
}

function vlanOf(name: string): Vlan | undefined {
  const [below, id, ...more] = name.split(".");
  return below === undefined || id === undefined || more.length > 0 ? undefined : { below, id };
}

/** The VLAN id, or what Docker says of a parent that is neither there nor can be made. */
function checkedVlan(name: string, belowExists: boolean): number {
  if (!name.includes(".")) {
    throw refused(`invalid subinterface vlan name ${name}, example formatting is eth0.10`);
  }
  const vlan = vlanOf(name);
  if (vlan === undefined) {
    throw refused(
      `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${name}`,
    );
  }
  if (!/^[+-]?\d+$/.test(vlan.id)) {
    throw refused(`unable to parse a valid vlan id from: ${vlan.id} (ex. eth0.10 for vlan 10)`);
  }
  if (!belowExists) throw refused(`-o parent interface was not found on the host: ${vlan.below}`);
  const id = Number(vlan.id);
  if (id < 1 || id > LARGEST_VLAN) throw refused(`vlan id must be between 1-4094, received: ${id}`);
  return id;
}

function addLink(b: ProgramBuilder, network: NetworkRecord, kind: LinkKind, name: string): void {
  const socket = b.slot("route socket");
  openNetlink(b, "open a route socket", "route", socket);
  const made = encodeMessages([newLink(kind, { name, up: true })]);
  netlink(b, `make the ${kind.kind} link ${name}`, socket, made);
  const noted = encodeMessages([setLink({ name }, { alias: noteOf(network) })]);
  netlink(b, "note whose it is", socket, noted);
  close(b, socket);
}

/** Makes the parent if it isn't there. */
export function parentUp(network: NetworkRecord, options: LanOptions): NetworkStep[] {
  const name = parentName(network, options);
  const below = options.parent === undefined ? undefined : vlanOf(name)?.below;
  return [
    {
      links: below === undefined ? [name] : [name, below],
      add: (b, [found, foundBelow]) => {
        if (found !== undefined) return;
        if (options.parent === undefined) {
          addLink(b, network, { kind: "dummy" }, name);
          return;
        }
        const id = checkedVlan(name, foundBelow !== undefined);
        if (foundBelow !== undefined)
          addLink(b, network, { kind: "vlan", parent: foundBelow.index, id }, name);
      },
    },
  ];
}

/** Removes the parent if a driver made it and no other network sits on it. */
export function parentDown(
  network: NetworkRecord,
  options: LanOptions,
  others: readonly NetworkRecord[],
): NetworkStep[] {
  const name = parentName(network, options);
  const isShared = others.some(
    (other) => other.id !== network.id && !other.configOnly && other.options["parent"] === name,
  );
  if (isShared) return [];
  return [
    {
      links: [name],
      add: (b, [found]) => {
        if (found === undefined || !isOurs(found)) return;
        const socket = b.slot("route socket");
        openNetlink(b, "open a route socket", "route", socket);
        const message = encodeMessages([delLink({ index: found.index })]);
        netlink(b, `remove the link ${name}`, socket, message, undefined, { tolerate: ["ENODEV"] });
        close(b, socket);
      },
    },
  ];
}

/** Other networks of the driver on the same parent. */
export function sharing(
  network: NetworkRecord,
  { parent }: LanOptions,
  others: readonly NetworkRecord[],
): NetworkRecord[] {
  if (parent === undefined) return [];
  return others.filter(
    ({ id, driver, configOnly, options }) =>
      id !== network.id && driver === network.driver && !configOnly && options["parent"] === parent,
  );
}
