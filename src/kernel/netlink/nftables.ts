/**
 * nftables over netlink: elements of sets and maps, added and deleted in batches, which the kernel performs whole or not
 * at all (linux/netfilter/nf_tables.h). Tables, chains and rules are made by nft.
 * @module
 */
import type { Struct } from "../program.ts";
import {
  be32,
  binary,
  encodeMessages,
  header,
  nested,
  NLM_F,
  string,
  type Attribute,
  type Message,
} from "./message.ts";
import { AttributeReader, type ReceivedMessage } from "./parse.ts";

/** NFNL_SUBSYS_NFTABLES: the upper byte of a message's type. */
export const NFTABLES_SUBSYSTEM = 10;
/** NFNLGRP_NFTABLES as a bit of sockaddr_nl's nl_groups. */
export const NFTABLES_EVENTS: number = 1 << 6;

const NFPROTO_INET = 1;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
/** enum nf_tables_msg_types, as far as they are used. */
export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  GETSET: 10,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
  NEWGEN: 15,
} as const;

const LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const ELEMENT = { KEY: 1, DATA: 2, FLAGS: 3, KEY_END: 10 } as const;
const INTERVAL_END = 1;
const LIST_ELEMENT = 1;
const DATA = { VALUE: 1, VERDICT: 2 } as const;
const VERDICT = { CODE: 1, CHAIN: 2 } as const;
const verdicts = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;
/** A nested attribute's length is a u16: a message takes so many bytes of elements, roughly. */
const MOST_BYTES = 48 << 10;

/** What a verdict map leads to. */
export type Verdict = "accept" | "drop" | { readonly goto: string };

/** An element of a set or a map, of the inet family. */
export interface SetElement {
  /** The set's or map's name. */
  readonly set: string;
  /** The key; of a concatenation, its fields each padded to 4 bytes. */
  readonly key: Uint8Array;
  /** The last key of the interval that this element is, in a set of concatenations with intervals. */
  readonly keyEnd?: Uint8Array;
  /** The first key behind the interval, in a set of intervals of one field; null: it goes to the last key there is. */
  readonly behind?: Uint8Array | null;
  /** What a map leads to. */
  readonly data?: Uint8Array | Verdict;
  /** As nft writes it: `tcp . 80 : 172.17.0.2 . 80`. */
  readonly text: string;
}

/** struct nfgenmsg. */
function generic(family: number, resource = 0): Uint8Array {
  return header([1, family], [1, 0], [1, resource >>> 8], [1, resource]);
}

const inet = generic(NFPROTO_INET);
const begin: Message = {
  type: BATCH_BEGIN,
  flags: 0,
  header: generic(0, NFTABLES_SUBSYSTEM),
  attributes: [],
  text: "begin",
};
const end: Message = { ...begin, type: BATCH_END, text: "commit" };

function message(type: number, flags: number, attributes: Message["attributes"], text: string): Message {
  return { type: (NFTABLES_SUBSYSTEM << 8) | type, flags, header: inet, attributes, text };
}

function data(value: Uint8Array | Verdict): Attribute {
  if (value instanceof Uint8Array) return nested(ELEMENT.DATA, [binary(DATA.VALUE, value)]);
  const verdict =
    typeof value === "string"
      ? [be32(VERDICT.CODE, verdicts[value])]
      : [be32(VERDICT.CODE, verdicts.goto), string(VERDICT.CHAIN, value.goto)];
  return nested(ELEMENT.DATA, [nested(DATA.VERDICT, verdict)]);
}

function listed(element: SetElement): Attribute[] {
  const { key, keyEnd, behind, data: value } = element;
  const first = nested(LIST_ELEMENT, [
    nested(ELEMENT.KEY, [binary(DATA.VALUE, key)]),
    keyEnd === undefined ? undefined : nested(ELEMENT.KEY_END, [binary(DATA.VALUE, keyEnd)]),
    value === undefined ? undefined : data(value),
  ]);
  if (behind === undefined || behind === null) return [first];
  const last = nested(LIST_ELEMENT, [
    nested(ELEMENT.KEY, [binary(DATA.VALUE, behind)]),
    be32(ELEMENT.FLAGS, INTERVAL_END),
  ]);
  return [first, last];
}

/** Bytes that an element takes, at most. */
function weight({ key, keyEnd, behind, data: value }: SetElement): number {
  const chain = typeof value === "object" && !(value instanceof Uint8Array) ? value.goto.length : 0;
  return (
    64 +
    key.length +
    (keyEnd ?? behind ?? key).length +
    (value instanceof Uint8Array ? value.length : chain + 24)
  );
}

/** Messages for elements, those of one set together, each of at most {@link MOST_BYTES}. */
function elementMessages(
  type: number,
  flags: number,
  table: string,
  elements: readonly SetElement[],
): Message[] {
  const sets = new Map<string, SetElement[]>();
  for (const element of elements) {
    const same = sets.get(element.set);
    if (same === undefined) sets.set(element.set, [element]);
    else same.push(element);
  }
  const messages: Message[] = [];
  const verb = type === NFT_MSG.NEWSETELEM ? "add" : "delete";
  for (const [set, all] of sets) {
    for (let at = 0; at < all.length;) {
      const start = at;
      for (let size = 0; at < all.length && (size < MOST_BYTES || at === start); at++) {
        const next = all[at];
        if (next !== undefined) size += weight(next);
      }
      const part = all.slice(start, at);
      const shown = part.length > 4 ? `${part.length} elements` : part.map(({ text }) => text).join(", ");
      const attributes = [
        string(LIST.TABLE, table),
        string(LIST.SET, set),
        nested(LIST.ELEMENTS, part.flatMap(listed)),
      ];
      messages.push(message(type, flags, attributes, `${verb} element inet ${table} ${set} { ${shown} }`));
    }
  }
  return messages;
}

/** Messages that add elements. One that is there already with the same data is no error. */
export function addElements(table: string, elements: readonly SetElement[]): Message[] {
  return elementMessages(NFT_MSG.NEWSETELEM, NLM_F.CREATE, table, elements);
}

/** Messages that delete elements; one that isn't there: ENOENT. */
export function deleteElements(table: string, elements: readonly SetElement[]): Message[] {
  return elementMessages(NFT_MSG.DELSETELEM, 0, table, elements);
}

/** The message that empties a set. */
export function flushSet(table: string, set: string): Message {
  const attributes = [string(LIST.TABLE, table), string(LIST.SET, set)];
  return message(NFT_MSG.DELSETELEM, 0, attributes, `flush set inet ${table} ${set}`);
}

/** One datagram that performs all of `messages` or none. */
export function encodeBatch(messages: readonly Message[]): Struct {
  return encodeMessages([begin, ...messages, end]);
}

const TABLE_NAME = 1;
const TABLE_USERDATA = 6;
const RULE_TABLE = 1;

/** The message that asks for a table; ENOENT: there is none. */
export function getTable(table: string): Message {
  return message(NFT_MSG.GETTABLE, 0, [string(TABLE_NAME, table)], `list table inet ${table}`);
}

/** The message that asks for all rules of a table. */
export function dumpRules(table: string): Message {
  return message(NFT_MSG.GETRULE, NLM_F.DUMP, [string(RULE_TABLE, table)], `list rules of inet ${table}`);
}

/** nft's comment of a table, from the kernel's answer to {@link getTable}. */
export function tableComment({ payload }: ReceivedMessage): string | undefined {
  const userdata = new AttributeReader(payload, inet.length).bytes(TABLE_USERDATA);
  // nft's own encoding (libnftnl's udata): u8 type (0: comment), u8 length, value with a NUL.
  if (userdata === undefined || userdata.length < 2 || userdata[0] !== 0) return undefined;
  const value = new TextDecoder().decode(userdata.subarray(2, 2 + (userdata[1] ?? 0)));
  return value.replace(/\0.*$/, "");
}

/** What happened to a table, as the kernel tells it to those who listen. */
export interface NftablesEvent {
  /** {@link NFT_MSG} */
  readonly message: number;
  /** NFPROTO_*: 1 inet, 2 ip, 10 ip6. */
  readonly family: number;
  /** The table that it is about; undefined: the end of a transaction. */
  readonly table?: string;
}

/** An event from a message of the kernel's; undefined if it is none of nftables. */
export function nftablesEvent({ type, payload }: ReceivedMessage): NftablesEvent | undefined {
  if (type >>> 8 !== NFTABLES_SUBSYSTEM) return undefined;
  const kind = type & 0xff;
  const family = payload[0] ?? 0;
  if (kind === NFT_MSG.NEWGEN) return { message: kind, family };
  // The table's name is the first attribute of every kind of object.
  return { message: kind, family, table: new AttributeReader(payload, inet.length).string(TABLE_NAME) };
}
