/**
 * Which sockets are bound (sock_diag(7)): what stands in the way of a published port.
 * @module
 */
import { AF, addressText } from "./addresses.ts";
import { header, NLM_F, type Message } from "./message.ts";
import { AttributeReader, parseMessages } from "./parse.ts";

const SOCK_DIAG_BY_FAMILY = 20;
const REQUEST = 56;
const REPLY = 72;
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;
/** TCP_CLOSE (a UDP socket that is bound and not connected) and TCP_LISTEN, as bits. */
const states = { tcp: 1 << 10, udp: 1 << 7, sctp: 1 << 10 } as const;

/** INET_DIAG_SKV6ONLY: one byte, whether an IPv6 socket is of IPv6 alone. */
const SKV6ONLY = 11;

/** A socket that takes what comes to a port. */
export interface BoundSocket {
  /** `0.0.0.0` and `::`: every address. */
  readonly address: string;
  readonly port: number;
  /** Whether it is an IPv6 socket that takes what comes by IPv4 as well. */
  readonly both: boolean;
}

/** SOCK_DIAG_BY_FAMILY of all sockets of a protocol that listen (UDP: that are bound and not connected). */
export function dumpBoundSockets(protocol: "tcp" | "udp" | "sctp", family: 4 | 6): Message {
  const number = family === 4 ? AF.INET : AF.INET6;
  const content = new Uint8Array(REQUEST);
  content.set(header([1, number], [1, protocols[protocol]], [1, 0], [1, 0], [4, states[protocol]]));
  return {
    type: SOCK_DIAG_BY_FAMILY,
    flags: NLM_F.DUMP,
    header: content,
    attributes: [],
    text: `SOCK_DIAG_BY_FAMILY{${protocol}${family === 4 ? "" : "6"}, bound}`,
  };
}

/** The sockets in the answer to {@link dumpBoundSockets} whose port lies in `first` … `first + count - 1`. */
export function decodeBoundSockets(bytes: Uint8Array, first = 0, count = 65536): BoundSocket[] {
  return parseMessages(bytes)
    .filter(({ type, payload }) => type === SOCK_DIAG_BY_FAMILY && payload.length >= REPLY)
    .flatMap(({ payload }) => {
      const port = new DataView(payload.buffer, payload.byteOffset).getUint16(4);
      if (port < first || port >= first + count) return [];
      const length = payload[0] === AF.INET ? 4 : 16;
      const both = length === 16 && new AttributeReader(payload, REPLY).u8(SKV6ONLY) === 0;
      return [{ address: addressText(payload.subarray(8, 8 + length)), port, both }];
    });
}
