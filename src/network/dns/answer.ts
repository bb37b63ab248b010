/**
 * What a query gets from names that are known here, as Docker's resolver answers it. Pure but for the order of addresses.
 * @module
 */
import { reverseAddress } from "./reverse-name.ts";
import {
  bits,
  codes,
  decodeMessage,
  ednsOf,
  encodeMessage,
  headerLength,
  optRecord,
  types,
  type Message,
  type Question,
  type RecordData,
  type ResourceRecord,
} from "./codec.ts";
import { smallest, truncate } from "./truncate.ts";
import type { DnsContainer } from "./types.ts";
import type { Zone } from "./zone.ts";

/** Seconds for which an answer may be kept. */
const timeToLive = 600;
const internet = 1;
/** Octets of a message by TCP. */
const mostByTcp = 0xffff;
/** Octets of a UDP payload that are taken here, and sent at most. */
const ourSize = 4096;
/** RFC 6891: a version of EDNS that isn't known; the upper bits of response code 16. */
const badVersion = 1;

/** How the asker came: `limit` is the most octets that it takes. */
export interface Asked {
  readonly query: Message;
  readonly question: Question;
  readonly limit: number;
}

/** What becomes of bytes that came in: an answer at once, nothing at all, or a question that names decide about. */
export type Reading = { readonly answer: Uint8Array } | { readonly asked: Asked } | undefined;

/** Reads a query. Undefined: it is none, and gets no answer. */
export function readQuery(bytes: Uint8Array, transport: "udp" | "tcp"): Reading {
  if (bytes.length < headerLength || ((bytes[2] ?? 0) & 0x80) !== 0) return undefined;
  const query = decodeMessage(bytes);
  if (query === undefined) return { answer: headerOnly(bytes, codes.format) };
  if ((query.flags & bits.opcode) !== 0) return { answer: headerOnly(bytes, codes.notImplemented) };
  const [question] = query.questions;
  if (question === undefined || query.questions.length > 1)
    return { answer: headerOnly(bytes, codes.format) };
  const edns = ednsOf(query);
  const limit = transport === "tcp" ? mostByTcp : Math.min(Math.max(smallest, edns?.size ?? 0), ourSize);
  const asked = { query, question, limit };
  return edns !== undefined && edns.version !== 0
    ? { answer: respond(asked, codes.ok, [], badVersion) }
    : { asked };
}

/** A header alone that says `code`. */
function headerOnly(bytes: Uint8Array, code: number): Uint8Array {
  const header = new Uint8Array(headerLength);
  header.set(bytes.subarray(0, 2));
  // Answer; operation and "recursion desired" are the query's.
  header[2] = 0x80 | ((bytes[2] ?? 0) & 0x79);
  header[3] = code;
  return header;
}

/** The answer to `asked` with `code` and no records: servers that failed, nobody to ask. */
export function refuse(asked: Asked, code: number): Uint8Array {
  return respond(asked, code, []);
}

/** The answer that the names known here give; undefined: it is to be asked elsewhere. */
export function answerLocally(zone: Zone, container: DnsContainer, asked: Asked): Uint8Array | undefined {
  const data = recordsFor(zone, container, asked.question);
  if (data === undefined) return undefined;
  const { name, type } = asked.question;
  const records = shuffled(data).map((each) => ({
    name,
    type,
    class: internet,
    ttl: timeToLive,
    data: each,
  }));
  return respond(asked, codes.ok, records);
}

function recordsFor(zone: Zone, container: DnsContainer, question: Question): RecordData[] | undefined {
  const { name, type } = question;
  if (type === types.PTR) {
    const address = reverseAddress(name.toLowerCase());
    const target = address === undefined ? undefined : zone.reverse(container, address);
    if (target !== undefined) return [{ kind: "name", name: target }];
  }
  const found = zone.find(container, name, type === types.AAAA ? "ipv6" : "ipv4");
  if (found === undefined) {
    const isAddress = type === types.A || type === types.AAAA;
    // A single word is not asked upstream when the container's resolv.conf says that such words are no whole names.
    return isAddress && container.ndots > 0 && name !== "" && !name.includes(".") ? [] : undefined;
  }
  // What is called so here has no other records, whatever a server elsewhere may say of such a name.
  if (type !== types.A && type !== types.AAAA) return [];
  return found.addresses.map((address) => ({ kind: "address", address }));
}

function respond(asked: Asked, code: number, answers: readonly ResourceRecord[], extended = 0): Uint8Array {
  const { query, question, limit } = asked;
  const edns = ednsOf(query);
  // Docker says that recursion is available when it has an answer, not when it has none.
  const available = code === codes.ok ? bits.available : 0;
  const message: Message = {
    id: query.id,
    flags: bits.answer | (query.flags & bits.wanted) | available | code,
    questions: [question],
    answers,
    authorities: [],
    additionals: edns === undefined ? [] : [optRecord(ourSize, edns.dnssec, extended)],
  };
  const bytes = encodeMessage(message);
  // More addresses than a message holds.
  if (bytes === undefined && answers.length > 1)
    return respond(asked, code, answers.slice(0, answers.length >> 1), extended);
  return truncate(bytes ?? new Uint8Array(headerLength), limit);
}

/** The same in any order: round robin, for those who take the first. */
function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    const [a, b] = [result[last], result[other]];
    if (a !== undefined && b !== undefined) [result[last], result[other]] = [b, a];
  }
  return result;
}
