/**
 * Changes of the firewall as operations of programs: all elements of one thing are one datagram, which the kernel takes
 * whole or not at all.
 * @module
 */
import type { CallOptions, ProgramBuilder, Result, Slot } from "../../kernel/mod.ts";
import { int, struct } from "../../kernel/mod.ts";
import {
  addElements,
  deleteConnections,
  deleteElements,
  encodeBatch,
  encodeMessages,
  flushSet,
  netlink,
  openNetlink,
  type Message,
} from "../../kernel/netlink/mod.ts";
import type { PublishedPort } from "../types.ts";
import type { FirewallElement } from "./element.ts";
import { setNames, TABLE } from "./sets.ts";

const AF_NETLINK = 16;
const SOL_SOCKET = int(1, "SOL_SOCKET");
const SO_SNDBUFFORCE = int(32, "SO_SNDBUFFORCE");
/** What a socket of the kernel's usual size takes at once; below it is the common case, a few hundred bytes. */
const USUAL_BUFFER = 128 << 10;

/** Adds the sending of a transaction, however long it is. */
export function sendBatch(
  b: ProgramBuilder,
  label: string,
  socket: Slot,
  messages: readonly Message[],
  options: CallOptions = {},
): Result {
  const batch = encodeBatch(messages);
  if (batch.bytes.length > USUAL_BUFFER) {
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, batch.bytes.length * 2, true);
    const wanted = struct(size, String(batch.bytes.length * 2));
    b.call(`${label}: make room for it`, "setsockopt", [socket, SOL_SOCKET, SO_SNDBUFFORCE, wanted, 4]);
  }
  return netlink(b, label, socket, batch, undefined, options);
}

/**
 * The upper byte of the ports (netlink(7): nl_pid) of sockets that change the firewall, by which the observer knows the
 * engine's own doing. No process has such a high pid, which would be the port that the kernel chooses.
 */
export const OWN_PORTS = 0x6a;
let port = (Math.random() * 0x1000000) >>> 0;

/**
 * Opens a socket for the operations of this file. Its port is another one each time; should it be taken, the kernel
 * chooses, and the observer looks once in vain.
 */
export function openFirewall(b: ProgramBuilder, into: Slot): void {
  openNetlink(b, "open a netfilter socket", "netfilter", into);
  port = (port + 1) & 0xffffff;
  const address = new Uint8Array(12);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, OWN_PORTS * 0x1000000 + port, true);
  const ours = struct(address, "{AF_NETLINK, one of the engine's ports}");
  b.call("mark it as the engine's", "bind", [into, ours, 12], { tolerate: ["EADDRINUSE"] });
}

/**
 * The same socket for one program of the executor after the other, opened by the first. Closing one after a transaction
 * that deleted something waits until no processor can see what was deleted (the kernel's nft_rcv_nl_event): 5 to 40 ms in
 * which the executor would do nothing else.
 */
export function keepFirewall(b: ProgramBuilder): Slot {
  const socket = b.keptSlot("netfilter socket");
  const there = b.call("look whether there is a netfilter socket", "fcntl", [socket, int(1, "F_GETFD")], {
    tolerate: ["EBADF"],
  });
  b.skipIf("or open one", there, ">=0", 0, () => openFirewall(b, socket));
  return socket;
}

/** Adds elements. Those that are there already stay. */
export function add(
  b: ProgramBuilder,
  label: string,
  socket: Slot,
  elements: readonly FirewallElement[],
): void {
  if (elements.length > 0) sendBatch(b, label, socket, addElements(TABLE, elements));
}

/** Deletes elements, whether or not all of them are there, even the table. */
export function remove(
  b: ProgramBuilder,
  label: string,
  socket: Slot,
  elements: readonly FirewallElement[],
): void {
  if (elements.length === 0) return;
  const gone = sendBatch(b, label, socket, deleteElements(TABLE, elements), { tolerate: ["ENOENT"] });
  b.skipIf(`${label}: were all of them there?`, gone, ">=0", 0, () => {
    // Some were missing, so nothing was deleted: what has just been added can be.
    const both = [...addElements(TABLE, elements), ...deleteElements(TABLE, elements)];
    sendBatch(b, `${label}: those that are left`, socket, both, { tolerate: ["ENOENT"] });
  });
}

/** Brings elements from `before` to `after` in one step: what is in both is not touched. */
export function change(
  b: ProgramBuilder,
  label: string,
  socket: Slot,
  before: readonly FirewallElement[],
  after: readonly FirewallElement[],
): void {
  const nameOf = ({ set, text }: FirewallElement): string => `${set} ${text}`;
  const old = new Set(before.map(nameOf));
  const wanted = new Set(after.map(nameOf));
  const gone = before.filter((element) => !wanted.has(nameOf(element)));
  const come = after.filter((element) => !old.has(nameOf(element)));
  if (gone.length + come.length === 0) return;
  sendBatch(b, label, socket, [
    ...addElements(TABLE, gone),
    ...deleteElements(TABLE, gone),
    ...addElements(TABLE, come),
  ]);
}

/** Brings the whole table to `elements` in one transaction: no packet sees anything between. */
export function reconcile(
  b: ProgramBuilder,
  label: string,
  socket: Slot,
  elements: readonly FirewallElement[],
): void {
  sendBatch(b, label, socket, [
    ...setNames.map((set) => flushSet(TABLE, set)),
    ...addElements(TABLE, elements),
  ]);
}

/**
 * Makes the kernel forget UDP exchanges with published ports: they would go on to where they went before, for as long
 * as packets come. A range is not gone through: everything that its container answered is forgotten. IPv4 alone, and
 * on Linux from 6.12 on: otherwise the kernel can't choose, and whoever needs it goes through dumpConnections.
 */
export function forgetExchanges(b: ProgramBuilder, socket: Slot, published: readonly PublishedPort[]): void {
  for (const { protocol, hostAddress, hostPort, count, containerAddress } of published) {
    if (protocol !== "udp" || hostPort === 0 || hostAddress.includes(":")) continue;
    const destination = hostAddress === "0.0.0.0" ? {} : { destination: hostAddress };
    const message =
      count === 1
        ? deleteConnections({ protocol, destinationPort: hostPort, ...destination })
        : deleteConnections({ protocol, replySource: containerAddress });
    netlink(b, "forget UDP exchanges with a published port", socket, encodeMessages([message]), undefined, {
      tolerate: ["ENOENT", "EOPNOTSUPP"],
    });
  }
}
