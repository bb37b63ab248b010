/**
 * Forgetting connections (ctnetlink, linux/netfilter/nfnetlink_conntrack.h): what was translated to a container that is
 * gone would go on to its address.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { AF, addressBytes, addressText, familyOf } from "./addresses.ts";
import { be16, binary, header, nested, NLM_F, u32, u8, type Attribute, type Message } from "./message.ts";
import { AttributeReader, parseMessages } from "./parse.ts";

const CT_NEW = 1 << 8;
const CT_GET = CT_NEW | 1;
const CT_DELETE = CT_NEW | 2;
const CTA = { TUPLE_ORIGINAL: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18, FILTER: 25 } as const;
const TUPLE = { IP: 1, PROTOCOL: 2 } as const;
const IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
const PROTOCOL = { NUMBER: 1, DESTINATION_PORT: 3 } as const;
const FILTER = { ORIGINAL: 1, REPLY: 2 } as const;
/** Which fields of a tuple count (net/netfilter/nf_internals.h). */
const COUNTS = { SOURCE: 1, DESTINATION: 2, PROTOCOL: 8, DESTINATION_PORT: 32 } as const;
const NFGENMSG = 4;
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
}

function shown({ protocol, destination, destinationPort, replySource }: ConnectionFilter): string {
  const port = destinationPort === undefined ? "" : `:${destinationPort}`;
  const parts = [protocol ?? "any"];
  if (destination !== undefined || port !== "") parts.push(`to ${destination ?? "any"}${port}`);
  if (replySource !== undefined) parts.push(`answered by ${replySource}`);
  return parts.join(", ");
}

function protocolAttribute(
  protocol: "tcp" | "udp" | "sctp" | undefined,
  port?: number,
): Attribute | undefined {
  if (protocol === undefined) return undefined;
  return nested(TUPLE.PROTOCOL, [
    u8(PROTOCOL.NUMBER, protocols[protocol]),
    port === undefined ? undefined : be16(PROTOCOL.DESTINATION_PORT, port),
  ]);
}

function filterAttribute(original: number, reply: number): Attribute {
  return nested(CTA.FILTER, [u32(FILTER.ORIGINAL, original), u32(FILTER.REPLY, reply)]);
}

/**
 * IPCTNL_MSG_CT_DELETE of all IPv4 connections that match; none is no error. Kernels from 6.12 on can do it; old ones
 * answer EOPNOTSUPP. Addresses of IPv6 it compares the wrong way round (it would forget all others), ports of
 * SCTP not at all: `internal` is thrown for those, as for them there is {@link dumpConnections}.
 */
export function deleteConnections(filter: ConnectionFilter): Message {
  const { protocol, destination, destinationPort, replySource } = filter;
  if (
    familyOf(destination ?? "") === AF.INET6 ||
    familyOf(replySource ?? "") === AF.INET6 ||
    protocol === "sctp"
  ) {
    throw failure("internal", { message: `the kernel can't choose connections by ${shown(filter)}` });
  }
  const original =
    (destination === undefined ? 0 : COUNTS.DESTINATION) |
    (protocol === undefined ? 0 : COUNTS.PROTOCOL) |
    (destinationPort === undefined ? 0 : COUNTS.DESTINATION_PORT);
  return {
    type: CT_DELETE,
    flags: 0,
    header: header([1, AF.INET], [1, 0], [2, 0]),
    attributes: [
      original === 0
        ? undefined
        : nested(CTA.TUPLE_ORIGINAL, [
            destination === undefined
              ? undefined
              : nested(TUPLE.IP, [binary(IP.V4_DST, addressBytes(destination))]),
            protocolAttribute(protocol, destinationPort),
          ]),
      replySource === undefined
        ? undefined
        : nested(CTA.TUPLE_REPLY, [nested(TUPLE.IP, [binary(IP.V4_SRC, addressBytes(replySource))])]),
      filterAttribute(original, replySource === undefined ? 0 : COUNTS.SOURCE),
    ],
    text: `CT_DELETE{${shown(filter)}}`,
  };
}

/** IPCTNL_MSG_CT_GET of all connections of a family and protocol. */
export function dumpConnections(family: 4 | 6, protocol: "tcp" | "udp" | "sctp"): Message {
  return {
    type: CT_GET,
    flags: NLM_F.DUMP,
    header: header([1, family === 4 ? AF.INET : AF.INET6], [1, 0], [2, 0]),
    attributes: [
      nested(CTA.TUPLE_ORIGINAL, [protocolAttribute(protocol)]),
      filterAttribute(COUNTS.PROTOCOL, 0),
    ],
    text: `CT_GET{${protocol}${family === 4 ? "" : ", IPv6"}}`,
  };
}

function addressOf(tuple: AttributeReader | undefined, v4: number, v6: number): string | undefined {
  const ip = tuple?.nested(TUPLE.IP);
  const value = ip?.bytes(v4) ?? ip?.bytes(v6);
  return value === undefined ? undefined : addressText(value);
}

function matches(connection: AttributeReader, filter: ConnectionFilter): boolean {
  const original = connection.nested(CTA.TUPLE_ORIGINAL);
  const protocol = original?.nested(TUPLE.PROTOCOL);
  const { destination, destinationPort, replySource } = filter;
  return (
    (filter.protocol === undefined || protocol?.u8(PROTOCOL.NUMBER) === protocols[filter.protocol]) &&
    (destinationPort === undefined || protocol?.be16(PROTOCOL.DESTINATION_PORT) === destinationPort) &&
    (destination === undefined || addressOf(original, IP.V4_DST, IP.V6_DST) === destination) &&
    (replySource === undefined ||
      addressOf(connection.nested(CTA.TUPLE_REPLY), IP.V4_SRC, IP.V6_SRC) === replySource)
  );
}

/**
 * From the answer to {@link dumpConnections}: an IPCTNL_MSG_CT_DELETE of each connection that matches. Addresses of the
 * filter are in canonical form. One that is gone meanwhile is ENOENT.
 */
export function deletionsOf(bytes: Uint8Array, filter: ConnectionFilter): Message[] {
  return parseMessages(bytes).flatMap(({ type, payload }) => {
    if (type !== CT_NEW || payload.length < NFGENMSG) return [];
    const connection = new AttributeReader(payload, NFGENMSG);
    if (!matches(connection, filter)) return [];
    const tuple = connection.bytes(CTA.TUPLE_ORIGINAL);
    const id = connection.bytes(CTA.ID);
    const zone = connection.bytes(CTA.ZONE);
    if (tuple === undefined) return [];
    return [
      {
        type: CT_DELETE,
        flags: 0,
        header: header([1, payload[0] ?? 0], [1, 0], [2, 0]),
        attributes: [
          // As the kernel wrote it, nested attributes and all.
          binary(CTA.TUPLE_ORIGINAL | 0x8000, tuple),
          id === undefined ? undefined : binary(CTA.ID, id),
          zone === undefined ? undefined : binary(CTA.ZONE, zone),
        ],
        text: `CT_DELETE{one, ${shown(filter)}}`,
      },
    ];
  });
}
