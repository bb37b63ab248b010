/**
 * The rules in a container's own namespace by which queries to the resolver's address reach its relay: the container's
 * programs may themselves listen on port 53 (linux/netfilter/nf_tables.h).
 * @module
 */
import {
  be32,
  binary,
  encodeMessages,
  header,
  nested,
  netlink,
  NLM_F,
  string,
  type Attribute,
  type Message,
} from "../../kernel/netlink/mod.ts";
import type { ProgramBuilder, Slot, Struct } from "../../kernel/mod.ts";
import { RESOLVER_ADDRESS } from "./relay.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const BATCH = { BEGIN: 0x10, END: 0x11 } as const;
const NFT_MSG = { NEWTABLE: 0, NEWCHAIN: 3, NEWRULE: 6 } as const;
const NFPROTO_IPV4 = 2;
const NF_INET_LOCAL_OUT = 3;
const NF_IP_PRI_NAT_DST = -100;
const DOMAIN_PORT = 53;
const protocols = { udp: 17, tcp: 6 } as const;

const TABLE = "caisson-dns";
const CHAIN = "output";

function batch(type: number, text: string): Message {
  const front = header([1, 0], [1, 0], [1, 0], [1, NFNL_SUBSYS_NFTABLES]);
  return { type, flags: 0, header: front, attributes: [], text };
}

function message(type: number, flags: number, attributes: readonly Attribute[], text: string): Message {
  const front = header([1, NFPROTO_IPV4], [1, 0], [2, 0]);
  return { type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, header: front, attributes, text };
}

function expression(name: string, data: readonly Attribute[]): Attribute {
  return nested(1, [string(1, name), nested(2, data)]);
}

const REGISTER = 1;
const SECOND_REGISTER = 2;

function load(base: 1 | 2, offset: number, length: number): Attribute {
  return expression("payload", [be32(1, REGISTER), be32(2, base), be32(3, offset), be32(4, length)]);
}

function equals(value: readonly number[]): Attribute {
  return expression("cmp", [be32(1, REGISTER), be32(2, 0), nested(3, [binary(1, Uint8Array.from(value))])]);
}

function put(register: number, value: readonly number[]): Attribute {
  return expression("immediate", [be32(1, register), nested(2, [binary(1, Uint8Array.from(value))])]);
}

const be16 = (value: number): number[] => [value >> 8, value & 0xff];

/** `ip daddr 127.0.0.11 PROTOCOL dport 53 dnat to 127.0.0.11:PORT` */
function redirect(protocol: "udp" | "tcp", port: number): Message {
  const address = RESOLVER_ADDRESS.split(".").map(Number);
  const META_L4PROTO = 16;
  const expressions = [
    load(1, 16, 4),
    equals(address),
    expression("meta", [be32(1, REGISTER), be32(2, META_L4PROTO)]),
    equals([protocols[protocol]]),
    load(2, 2, 2),
    equals(be16(DOMAIN_PORT)),
    put(REGISTER, address),
    put(SECOND_REGISTER, be16(port)),
    // NFT_NAT_DNAT of IPv4, to the first register's address and the second one's port.
    expression("nat", [be32(1, 1), be32(2, NFPROTO_IPV4), be32(3, REGISTER), be32(5, SECOND_REGISTER)]),
  ];
  const text = `rule{${RESOLVER_ADDRESS} ${protocol} 53 -> ${port}}`;
  const attributes = [string(1, TABLE), string(2, CHAIN), nested(4, expressions)];
  return message(NFT_MSG.NEWRULE, NLM_F.CREATE | NLM_F.APPEND, attributes, text);
}

/** The whole table, as one batch. */
export function resolverRules(udpPort: number, tcpPort: number): Struct {
  const hook = nested(4, [be32(1, NF_INET_LOCAL_OUT), be32(2, NF_IP_PRI_NAT_DST >>> 0)]);
  return encodeMessages([
    batch(BATCH.BEGIN, "begin"),
    message(NFT_MSG.NEWTABLE, NLM_F.CREATE, [string(1, TABLE)], `table{ip ${TABLE}}`),
    message(
      NFT_MSG.NEWCHAIN,
      NLM_F.CREATE,
      [string(1, TABLE), string(3, CHAIN), hook, string(7, "nat")],
      `chain{${CHAIN}, nat, hook output}`,
    ),
    redirect("udp", udpPort),
    redirect("tcp", tcpPort),
    batch(BATCH.END, "commit"),
  ]);
}

/** Adds the rules, inside of the container's namespace. */
export function addResolverRules(b: ProgramBuilder, socket: Slot, udpPort: number, tcpPort: number): void {
  netlink(b, "lead queries to the relay", socket, resolverRules(udpPort, tcpPort));
}
