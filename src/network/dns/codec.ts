/**
 * DNS messages (RFC 1035, section 4; AAAA: RFC 3596; SRV: RFC 2782; EDNS: RFC 6891) as data. What comes from outside is
 * checked byte for byte; nothing here throws on it.
 * @module
 */
import { addressText, tryAddressBytes } from "../../kernel/netlink/mod.ts";
import { Reader, Writer } from "./wire.ts";

/** Types of records that have a meaning here. All others are carried as they are. */
export const types = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, OPT: 41 } as const;

/** Response codes. */
export const codes = { ok: 0, format: 1, failed: 2, noName: 3, notImplemented: 4, refused: 5 } as const;

/** Bits of {@link Message.flags}. */
export const bits = {
  answer: 0x8000,
  opcode: 0x7800,
  truncated: 0x0200,
  wanted: 0x0100,
  available: 0x0080,
} as const;

/** What is asked. Names are text without a dot at the end (the root: ``), a dot or backslash in a label has a backslash. */
export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** A record's data, by its type. */
export type RecordData =
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "mx"; readonly preference: number; readonly name: string }
  | {
      readonly kind: "srv";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly name: string;
    }
  | { readonly kind: "opaque"; readonly bytes: Uint8Array };

export interface ResourceRecord extends Question {
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}

/** A message. */
export interface Message {
  readonly id: number;
  /** The 16 bits behind the id: {@link bits}, and the response code in the lowest four. */
  readonly flags: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

/** Octets of a header. */
export const headerLength = 12;

/** The message in `bytes`; undefined when they are none, or more than one. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const reader = new Reader(bytes);
  const [id, flags, ...counts] = Array.from({ length: 6 }, () => reader.u16());
  const many = <T>(count: number, read: () => T): T[] => {
    const list: T[] = [];
    for (let index = 0; index < count && !reader.bad; index += 1) list.push(read());
    return list;
  };
  const questions = many(counts[0] ?? 0, () => readQuestion(reader));
  const [answers, authorities, additionals] = [1, 2, 3].map((section) =>
    many(counts[section] ?? 0, () => readRecord(reader)),
  );
  if (reader.bad || reader.at !== bytes.length) return undefined;
  if (id === undefined || flags === undefined) return undefined;
  if (answers === undefined || authorities === undefined || additionals === undefined) return undefined;
  return { id, flags, questions, answers, authorities, additionals };
}

/** Reads a question at the reader's place. */
export function readQuestion(reader: Reader): Question {
  return { name: reader.name(), type: reader.u16(), class: reader.u16() };
}

function readRecord(reader: Reader): ResourceRecord {
  const question = readQuestion(reader);
  const ttl = reader.u32();
  const end = reader.u16() + reader.at;
  if (end > reader.bytes.length) reader.bad = true;
  const data = reader.bad ? nothing : readData(reader, question.type, end);
  // Data that says another length than it has.
  if (reader.at !== end) reader.bad = true;
  return { ...question, ttl, data };
}

const nothing: RecordData = { kind: "opaque", bytes: new Uint8Array() };

function address(reader: Reader, length: number): RecordData {
  const bytes = reader.take(length);
  return reader.bad ? nothing : { kind: "address", address: addressText(bytes) };
}

function readData(reader: Reader, type: number, end: number): RecordData {
  switch (type) {
    case types.A:
      return address(reader, 4);
    case types.AAAA:
      return address(reader, 16);
    case types.PTR:
    case types.CNAME:
    case types.NS:
      return { kind: "name", name: reader.name() };
    case types.MX:
      return { kind: "mx", preference: reader.u16(), name: reader.name() };
    case types.SRV:
      return {
        kind: "srv",
        priority: reader.u16(),
        weight: reader.u16(),
        port: reader.u16(),
        name: reader.name(),
      };
    default:
      return { kind: "opaque", bytes: reader.take(end - reader.at) };
  }
}

/**
 * The bytes of a message, names compressed. Undefined when it can't be written: a name or label too long, a text that is
 * no address, more than 65,535 bytes.
 */
export function encodeMessage(message: Message): Uint8Array | undefined {
  const writer = new Writer();
  const { questions, answers, authorities, additionals } = message;
  for (const value of [message.id, message.flags]) writer.u16(value);
  for (const list of [questions, answers, authorities, additionals]) writer.u16(list.length);
  for (const question of questions) writeQuestion(writer, question);
  for (const list of [answers, authorities, additionals])
    for (const record of list) writeRecord(writer, record);
  return writer.finish();
}

function writeQuestion(writer: Writer, question: Question): void {
  writer.name(question.name, true);
  writer.u16(question.type);
  writer.u16(question.class);
}

function writeRecord(writer: Writer, record: ResourceRecord): void {
  writeQuestion(writer, record);
  writer.u32(record.ttl);
  writer.sized(() => {
    const { data } = record;
    switch (data.kind) {
      case "address": {
        const bytes = tryAddressBytes(data.address);
        if (bytes?.length !== (record.type === types.A ? 4 : 16)) writer.bad = true;
        else writer.put(bytes);
        return;
      }
      case "name":
        return writer.name(data.name, true);
      case "mx":
        writer.u16(data.preference);
        return writer.name(data.name, true);
      case "srv":
        for (const value of [data.priority, data.weight, data.port]) writer.u16(value);
        // RFC 2782 forbids to compress it.
        return writer.name(data.name, false);
      case "opaque":
        return writer.put(data.bytes);
    }
  });
}

/** What a query says of itself by EDNS. */
export interface Edns {
  /** Octets of UDP payload that the asker takes. */
  readonly size: number;
  readonly version: number;
  /** DNSSEC OK: to be repeated in the answer. */
  readonly dnssec: boolean;
}

/** The message's OPT record, read; undefined without one. */
export function ednsOf(message: Message): Edns | undefined {
  const option = message.additionals.find((record) => record.type === types.OPT);
  if (option === undefined) return undefined;
  return {
    size: option.class,
    version: (option.ttl >>> 16) & 0xff,
    dnssec: (option.ttl & 0x8000) !== 0,
  };
}

/** An OPT record for an answer; `extended` are the upper eight bits of the response code. */
export function optRecord(size: number, dnssec: boolean, extended = 0): ResourceRecord {
  const ttl = extended * 0x1000000 + (dnssec ? 0x8000 : 0);
  return { name: "", type: types.OPT, class: size, ttl, data: nothing };
}
