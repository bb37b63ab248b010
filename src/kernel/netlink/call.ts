/**
 * Netlink in programs: opening a socket, and asking the kernel for something on it.
 * @module
 */
import {
  int,
  type Bytes,
  type CallOptions,
  type Int,
  type Out,
  type ProgramBuilder,
  type Result,
  type Slot,
  type Struct,
} from "../program.ts";

const AF_NETLINK = int(16, "AF_NETLINK");
const SOCKET_TYPE = int(3 | 0o2000000, "SOCK_RAW|SOCK_CLOEXEC");
/** What a socket speaks: rtnetlink(7), sock_diag(7), nfnetlink. */
export type NetlinkFamily = "route" | "diag" | "netfilter";

const protocols: Readonly<Record<NetlinkFamily, Int>> = {
  route: int(0, "NETLINK_ROUTE"),
  diag: int(4, "NETLINK_SOCK_DIAG"),
  netfilter: int(12, "NETLINK_NETFILTER"),
};

/** Opens a netlink socket of the network namespace of whoever runs the program. */
export function openNetlink(
  b: ProgramBuilder,
  label: string,
  family: NetlinkFamily,
  into: Slot,
  options: CallOptions = {},
): Result {
  return b.call(label, "socket", [AF_NETLINK, SOCKET_TYPE, protocols[family]], { ...options, into });
}

/**
 * Sends `message` (one or more, from encodeMessages) as one datagram and takes every answer: fails with the first errno
 * that the kernel answers. The result is how many bytes of messages were copied to `reply`; without one they are dropped.
 */
export function netlink(
  b: ProgramBuilder,
  label: string,
  socket: Slot,
  message: Struct | Bytes,
  reply?: Out,
  options: CallOptions = {},
): Result {
  return b.composite(label, "netlink", [socket, message, reply ?? b.out(0)], options);
}
