/**
 * Forgetting connections (ctnetlink, linux/netfilter/nfnetlink_conntrack.h): what was translated to a container that is
 * gone would go on to its address.
 * @module
 */
import { AF, addressBytes, familyOf } from "./addresses.ts";
import { be16, binary, header, nested, u32, u8, type Attribute, type Message } from "./message.ts";

const CT_DELETE = (1 << 8) | 2;
const TUPLE = { ORIGINAL: 1, REPLY: 2, IP: 1, PROTOCOL: 2 } as const;
const IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const PROTOCOL = { NUMBER: 1, DESTINATION_PORT: 3 } as const;
const FILTER = { ATTRIBUTE: 25, ORIGINAL: 1, REPLY: 2 } as const;
/** Which fields of a tuple count (net/netfilter/nf_internals.h). */
const COUNTS = { SOURCE: 1, DESTINATION: 2, PROTOCOL: 8, DESTINATION_PORT: 32 } as const;
const protocols = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Which connections: those that match everything that is given. */
export interface ConnectionFilter {
  readonly protocol?: "tcp" | "udp" | "sctp";
  /** Where the first packet was sent to: a published address. */
  readonly destination?: string;
  /** Needs `protocol`. */
  readonly destinationPort?: number;
  /** Who answers: the container. */
  readonly replySource?: string;
  /** Needed if no address says it. */
  readonly family?: 4 | 6;
}

function ipAttribute(address: string, source: boolean): Attribute {
  const v6 = address.includes(":");
  const type = source ? (v6 ? IP.V6_SRC : IP.V4_SRC) : v6 ? IP.V6_DST : IP.V4_DST;
  return nested(TUPLE.IP, [binary(type, addressBytes(address))]);
}

function familyNumber({ destination, replySource, family }: ConnectionFilter): number {
  const address = destination ?? replySource;
  if (address !== undefined) return familyOf(address);
  return family === 6 ? AF.INET6 : AF.INET;
}

/**
 * IPCTNL_MSG_CT_DELETE of all connections that match; none is no error. Kernels before 6.8 answer EOPNOTSUPP to a filter
 * by addresses.
 */
export function deleteConnections(filter: ConnectionFilter): Message {
  const { protocol, destination, destinationPort, replySource } = filter;
  const original =
    (destination === undefined ? 0 : COUNTS.DESTINATION) |
    (protocol === undefined ? 0 : COUNTS.PROTOCOL) |
    (destinationPort === undefined ? 0 : COUNTS.DESTINATION_PORT);
  const reply = replySource === undefined ? 0 : COUNTS.SOURCE;
  const shown = [
    protocol ?? "any",
    ...(original === 0
      ? []
      : [`to ${destination ?? "any"}${destinationPort === undefined ? "" : `:${destinationPort}`}`]),
    ...(replySource === undefined ? [] : [`answered by ${replySource}`]),
  ];
  return {
    type: CT_DELETE,
    flags: 0,
    header: header([1, familyNumber(filter)], [1, 0], [2, 0]),
    attributes: [
      original === 0
        ? undefined
        : nested(TUPLE.ORIGINAL, [
            destination === undefined ? undefined : ipAttribute(destination, false),
            protocol === undefined
              ? undefined
              : nested(TUPLE.PROTOCOL, [
                  u8(PROTOCOL.NUMBER, protocols[protocol]),
                  destinationPort === undefined
                    ? undefined
                    : be16(PROTOCOL.DESTINATION_PORT, destinationPort),
                ]),
          ]),
      replySource === undefined ? undefined : nested(TUPLE.REPLY, [ipAttribute(replySource, true)]),
      nested(FILTER.ATTRIBUTE, [u32(FILTER.ORIGINAL, original), u32(FILTER.REPLY, reply)]),
    ],
    text: `CT_DELETE{${shown.join(", ")}}`,
  };
}
