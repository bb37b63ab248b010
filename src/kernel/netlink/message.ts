/**
 * Netlink messages as data: a header, the family's own header, attributes (netlink(7), libnl's guide to attributes).
 * A value that is known only when the program runs (a pid, a descriptor) is patched in then.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { struct, type Patch, type Result, type Slot, type Struct } from "../program.ts";

/** NLM_F_*: what a request asks for. */
export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
} as const;

const HEADER = 16;
const ATTRIBUTE = 4;
const NESTED = 0x8000;
const LONGEST_ATTRIBUTE = 0xffff;
const utf8 = new TextEncoder();

/** One attribute. A value of attributes is nested. */
export interface Attribute {
  readonly type: number;
  /** Bytes as they are; attributes; or a pid or descriptor as u32, known when the program runs. */
  readonly value: Uint8Array | Attributes | Slot | Result;
  /** Of nested attributes: a structure in front of them. It stands for the flag NLA_F_NESTED, as in VETH_INFO_PEER. */
  readonly header?: Uint8Array;
}

/** Attributes in order; what is undefined is left out. */
export type Attributes = readonly (Attribute | undefined)[];

/** One message. */
export interface Message {
  /** nlmsg_type: `RTM_NEWLINK`, or an nfnetlink subsystem and its message. */
  readonly type: number;
  /** {@link NLM_F}. REQUEST is added. Without ACK the kernel answers errors only, which is enough. */
  readonly flags: number;
  /** The family's header: struct ifinfomsg, struct nfgenmsg, … */
  readonly header: Uint8Array;
  readonly attributes: Attributes;
  /** How the printer shows it: `RTM_NEWADDR{172.17.0.2/16, index=2}`. */
  readonly text: string;
}

/** An attribute of whole bytes. */
export function binary(type: number, value: Uint8Array): Attribute {
  return { type, value };
}

/** A u8. */
export function u8(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value) };
}

/** A u16 in the machine's order. */
export function u16(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value, value >>> 8) };
}

/** A u32 in the machine's order; of a slot or a result, what it is when the program runs. */
export function u32(type: number, value: number | Slot | Result): Attribute {
  if (typeof value !== "number") return { type, value };
  return { type, value: Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24) };
}

/** A u64 in the machine's order. */
export function u64(type: number, value: bigint): Attribute {
  const content = new Uint8Array(8);
  new DataView(content.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return { type, value: content };
}

/** A u16 in network order. */
export function be16(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value >>> 8, value) };
}

/** A u32 in network order. */
export function be32(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value) };
}

/** A u64 in network order. */
export function be64(type: number, value: bigint): Attribute {
  const content = new Uint8Array(8);
  new DataView(content.buffer).setBigUint64(0, BigInt.asUintN(64, value), false);
  return { type, value: content };
}

/** A NUL-terminated string. Throws `invalid-parameter` for one with a NUL byte. */
export function string(type: number, value: string): Attribute {
  if (value.includes("\0")) {
    throw failure("invalid-parameter", { message: `${JSON.stringify(value)} contains a NUL byte` });
  }
  return { type, value: utf8.encode(`${value}\0`) };
}

/** Nested attributes, behind `header` if there is one. */
export function nested(type: number, value: Attributes, header?: Uint8Array): Attribute {
  return header === undefined ? { type, value } : { type, value, header };
}

/** A structure written field by field: {@link header}. */
export type Field = readonly [width: 1 | 2 | 4, value: number];

/** A family's header from its fields, little-endian, without padding of its own. */
export function header(...fields: readonly Field[]): Uint8Array {
  const content = new Uint8Array(fields.reduce((size, [width]) => size + width, 0));
  const view = new DataView(content.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 1) view.setUint8(at, value);
    else if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return content;
}

/** Bytes that a length takes with the padding behind it. */
function aligned(size: number): number {
  return (size + 3) & ~3;
}

function isAttributes(value: Attribute["value"]): value is Attributes {
  return Array.isArray(value);
}

function lengthOf(attributes: Attributes): number {
  let length = 0;
  for (const attribute of attributes) {
    if (attribute !== undefined) length += aligned(attributeLength(attribute));
  }
  return length;
}

function attributeLength({ value, header: front }: Attribute): number {
  if (value instanceof Uint8Array) return ATTRIBUTE + value.length;
  if (isAttributes(value)) return ATTRIBUTE + aligned(front?.length ?? 0) + lengthOf(value);
  return ATTRIBUTE + 4;
}

class Writer {
  readonly bytes: Uint8Array;
  readonly patches: Patch[] = [];
  readonly #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  message(at: number, { type, flags, header: front, attributes }: Message, sequence: number): number {
    const start = at + HEADER + aligned(front.length);
    const end = this.#attributes(start, attributes);
    this.#view.setUint32(at, end - at, true);
    this.#view.setUint16(at + 4, type, true);
    this.#view.setUint16(at + 6, flags | NLM_F.REQUEST, true);
    this.#view.setUint32(at + 8, sequence, true);
    this.bytes.set(front, at + HEADER);
    return end;
  }

  #attributes(start: number, attributes: Attributes): number {
    let at = start;
    for (const attribute of attributes) {
      if (attribute !== undefined) at = this.#attribute(at, attribute);
    }
    return at;
  }

  #attribute(at: number, attribute: Attribute): number {
    const { type, value, header: front } = attribute;
    const length = attributeLength(attribute);
    if (length > LONGEST_ATTRIBUTE) {
      throw failure("internal", { message: `netlink attribute ${type} of ${length} bytes is too long` });
    }
    const inside = at + ATTRIBUTE;
    const flag = isAttributes(value) && front === undefined ? NESTED : 0;
    this.#view.setUint16(at, length, true);
    this.#view.setUint16(at + 2, type | flag, true);
    if (value instanceof Uint8Array) {
      this.bytes.set(value, inside);
    } else if (isAttributes(value)) {
      if (front !== undefined) this.bytes.set(front, inside);
      this.#attributes(inside + aligned(front?.length ?? 0), value);
    } else {
      this.patches.push({ offset: inside, width: 4, value });
    }
    return at + aligned(length);
  }
}

/** Messages one behind the other, for one datagram; they are performed in order, whether or not one fails. */
export function encodeMessages(messages: readonly Message[]): Struct {
  let size = 0;
  for (const { header: front, attributes } of messages) {
    size += HEADER + aligned(front.length) + lengthOf(attributes);
  }
  const writer = new Writer(size);
  let at = 0;
  messages.forEach((message, index) => (at = writer.message(at, message, index + 1)));
  const texts = messages.map(({ text }) => text);
  return struct(
    writer.bytes,
    texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`,
    writer.patches,
  );
}
