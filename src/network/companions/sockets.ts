/**
 * Sockets bound to an address, as operations (socket(2), setsockopt(2), bind(2), listen(2)).
 * @module
 */
import { int, struct, type ProgramBuilder, type Slot, type Struct } from "../../kernel/mod.ts";
import { parseAddress } from "../ipam/addresses.ts";
import type { Protocol } from "../types.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_SCTP = 132;
const BACKLOG = 4096;

const types = {
  tcp: int(1 | SOCK_CLOEXEC, "SOCK_STREAM|SOCK_CLOEXEC"),
  udp: int(2 | SOCK_CLOEXEC, "SOCK_DGRAM|SOCK_CLOEXEC"),
};

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)). */
export function socketAddress(address: string, port: number): Struct {
  const parsed = parseAddress(address);
  const isIPv6 = parsed?.family === 6;
  const content = new Uint8Array(isIPv6 ? 28 : 16);
  const view = new DataView(content.buffer);
  view.setUint16(0, isIPv6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  const value = parsed?.value ?? 0n;
  if (isIPv6) {
    view.setBigUint64(8, value >> 64n);
    view.setBigUint64(16, value & 0xffff_ffff_ffff_ffffn);
  } else {
    view.setUint32(4, Number(value));
  }
  return struct(content, `{${isIPv6 ? `[${address}]` : address}:${port}}`);
}

const ONE = struct(Uint8Array.of(1, 0, 0, 0), "1");

/** What a socket is bound to. */
export interface BoundSocket {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  /** Whether it takes what was sent to other ports and addresses, and steered to it (IP_TRANSPARENT). */
  readonly transparent?: boolean;
}

/** Adds a socket that is bound, and listens if its protocol has connections. `label` says what it is for. */
export function bindSocket(
  b: ProgramBuilder,
  label: string,
  { protocol, address, port, transparent }: BoundSocket,
  into: Slot,
): void {
  const isIPv6 = address.includes(":");
  const family = isIPv6 ? int(AF_INET6, "AF_INET6") : int(AF_INET, "AF_INET");
  const type = protocol === "udp" ? types.udp : types.tcp;
  const which = protocol === "sctp" ? int(IPPROTO_SCTP, "IPPROTO_SCTP") : 0;
  b.call(`${label}: open a socket`, "socket", [family, type, which], { into });
  // A connection that an earlier run left in TIME_WAIT is no reason to fail. Of UDP it would let two have one port.
  if (protocol !== "udp") {
    b.call(`${label}: take the port again`, "setsockopt", [
      into,
      int(1, "SOL_SOCKET"),
      int(2, "SO_REUSEADDR"),
      ONE,
      4,
    ]);
  }
  if (isIPv6) {
    b.call(`${label}: of IPv6 alone`, "setsockopt", [
      into,
      int(41, "SOL_IPV6"),
      int(26, "IPV6_V6ONLY"),
      ONE,
      4,
    ]);
  }
  if (transparent === true) {
    const [level, option] = isIPv6 ? [int(41, "SOL_IPV6"), 75] : [int(0, "SOL_IP"), 19];
    const name = isIPv6 ? "IPV6_TRANSPARENT" : "IP_TRANSPARENT";
    b.call(`${label}: take what is steered to it`, "setsockopt", [into, level, int(option, name), ONE, 4]);
  }
  const where = socketAddress(address, port);
  b.call(label, "bind", [into, where, where.bytes.length]);
  if (protocol !== "udp") b.call(`${label}: listen`, "listen", [into, BACKLOG]);
}
