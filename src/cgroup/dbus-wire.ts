/**
 * Messages of D-Bus as bytes, little-endian: https://dbus.freedesktop.org/doc/dbus-specification.html. All types but
 * descriptors and doubles. What comes in is a stranger's: lengths are checked against the bytes that are there.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** A value of D-Bus: arrays and structures are arrays, a dictionary is an array of pairs, `ay` may be bytes. */
export type BusValue = string | number | bigint | boolean | Uint8Array | Variant | readonly BusValue[];

/** A value that brings its type along. */
export interface Variant {
  readonly signature: string;
  readonly value: BusValue;
}

export interface BusMessage {
  readonly type: "call" | "reply" | "error" | "signal";
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly signature?: string;
  readonly body: readonly BusValue[];
}

const TYPES = ["call", "reply", "error", "signal"] as const;
/** Header fields: code, name in {@link BusMessage}, type. */
const FIELDS = [
  [1, "path", "o"],
  [2, "interface", "s"],
  [3, "member", "s"],
  [4, "errorName", "s"],
  [5, "replySerial", "u"],
  [6, "destination", "s"],
  [8, "signature", "g"],
] as const;
const FIXED_HEADER = 16;
const LONGEST = 1 << 24;

const ALIGNMENT: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  x: 8,
  t: 8,
  "(": 8,
  "{": 8,
};

function alignmentOf(signature: string): number {
  return ALIGNMENT[signature[0] ?? ""] ?? malformed(`type ${signature}`);
}

function malformed(what: string): never {
  throw failure("internal", { message: `D-Bus: ${what} can't be read or written` });
}

/** The first complete type of a signature: `a{sv}` of `a{sv}u`. */
export function firstType(signature: string): string {
  if (signature.startsWith("a")) return `a${firstType(signature.slice(1))}`;
  if (!/^[({]/.test(signature)) return signature.slice(0, 1);
  if (signature.startsWith("()")) malformed("an empty structure");
  let depth = 0;
  for (let at = 0; at < signature.length; at++) {
    if ("({".includes(signature.charAt(at))) depth++;
    if (")}".includes(signature.charAt(at))) depth--;
    if (depth === 0) return signature.slice(0, at + 1);
  }
  return malformed(`signature ${signature}`);
}

function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let rest = signature; rest !== ""; rest = rest.slice(types.at(-1)?.length))
    types.push(firstType(rest));
  return types;
}

class Writer {
  #bytes = Buffer.alloc(256);
  length = 0;

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.#bytes.length) {
      const larger = Buffer.alloc(this.length * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }

  align(size: number): void {
    this.#reserve((size - (this.length % size)) % size);
  }

  #text(value: string, lengthSize: 1 | 4): void {
    const text = Buffer.from(value);
    const at = this.#reserve(lengthSize + text.length + 1);
    this.#bytes.writeUIntLE(text.length, at, lengthSize);
    text.copy(this.#bytes, at + lengthSize);
  }

  all(signature: string, values: readonly BusValue[]): void {
    const types = typesOf(signature);
    if (types.length !== values.length) malformed(`${values.length} values as ${signature}`);
    for (const [index, type] of types.entries()) this.value(type, values[index] ?? malformed(type));
  }

  value(type: string, value: BusValue): void {
    this.align(alignmentOf(type));
    if (typeof value === "string") {
      if (type === "s" || type === "o") this.#text(value, 4);
      else if (type === "g") this.#text(value, 1);
      else malformed(`a string as ${type}`);
    } else if (typeof value === "object") {
      this.#composite(type, value);
    } else {
      this.#number(type, value);
    }
  }

  #number(type: string, value: number | bigint | boolean): void {
    const at = this.#reserve(alignmentOf(type));
    if (type === "t") this.#bytes.writeBigUInt64LE(BigInt(value), at);
    else if (type === "x") this.#bytes.writeBigInt64LE(BigInt(value), at);
    else if (type === "i" || type === "n") this.#bytes.writeIntLE(Number(value), at, alignmentOf(type));
    else if ("ybqu".includes(type)) this.#bytes.writeUIntLE(Number(value), at, alignmentOf(type));
    else malformed(`a number as ${type}`);
  }

  #composite(type: string, value: Uint8Array | Variant | readonly BusValue[]): void {
    if ("signature" in value) {
      if (type !== "v") malformed(`a variant as ${type}`);
      this.#text(value.signature, 1);
      this.value(value.signature, value.value);
    } else if (type.startsWith("a")) {
      const element = type.slice(1);
      const at = this.#reserve(4);
      this.align(alignmentOf(element));
      const start = this.length;
      for (const item of value) this.value(element, item);
      this.#bytes.writeUInt32LE(this.length - start, at);
    } else if (/^[({]/.test(type)) {
      this.all(type.slice(1, -1), [...value]);
    } else {
      malformed(`a list as ${type}`);
    }
  }
}

class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  align(size: number): void {
    this.at += (size - (this.at % size)) % size;
  }

  #take(size: number): number {
    const at = this.at;
    if (size > this.#bytes.length - at) malformed("a message that is too short");
    this.at += size;
    return at;
  }

  #text(lengthSize: 1 | 4): string {
    const length = this.#bytes.readUIntLE(this.#take(lengthSize), lengthSize);
    const at = this.#take(length + 1);
    return this.#bytes.toString("utf8", at, at + length);
  }

  all(signature: string): BusValue[] {
    return typesOf(signature).map((type) => this.value(type));
  }

  value(type: string): BusValue {
    this.align(alignmentOf(type));
    switch (type.charAt(0)) {
      case "s":
      case "o":
        return this.#text(4);
      case "g":
        return this.#text(1);
      case "v": {
        const signature = this.#text(1);
        return { signature, value: this.value(firstType(signature)) };
      }
      case "(":
      case "{":
        return this.all(type.slice(1, -1));
      case "a":
        return this.#array(type.slice(1));
      case "t":
        return this.#bytes.readBigUInt64LE(this.#take(8));
      case "x":
        return this.#bytes.readBigInt64LE(this.#take(8));
      case "b":
        return this.#bytes.readUInt32LE(this.#take(4)) !== 0;
      case "i":
      case "n":
        return this.#bytes.readIntLE(this.#take(alignmentOf(type)), alignmentOf(type));
      default:
        return this.#bytes.readUIntLE(this.#take(alignmentOf(type)), alignmentOf(type));
    }
  }

  #array(element: string): BusValue[] {
    const length = this.#bytes.readUInt32LE(this.#take(4));
    this.align(alignmentOf(element));
    const end = this.at + length;
    if (end > this.#bytes.length) malformed("a message that is too short");
    const items: BusValue[] = [];
    while (this.at < end) items.push(this.value(element));
    return items;
  }
}

/** A message as bytes. */
export function encodeMessage(message: BusMessage): Buffer {
  const body = new Writer();
  body.all(message.signature ?? "", message.body);
  const fields: BusValue[] = [];
  for (const [code, name, signature] of FIELDS) {
    const value = message[name];
    if (value !== undefined && value !== "") fields.push([code, { signature, value }]);
  }
  const header = new Writer();
  const type = TYPES.indexOf(message.type) + 1;
  header.all("yyyyuua(yv)", [0x6c, type, 0, 1, body.length, message.serial, fields]);
  header.align(8);
  return Buffer.concat([header.bytes(), body.bytes()]);
}

/** The length of the message that begins with these bytes; undefined if they don't tell yet. */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED_HEADER) return undefined;
  if (bytes[0] !== 0x6c) malformed("a big-endian message");
  const fields = Math.ceil(bytes.readUInt32LE(12) / 8) * 8;
  const length = FIXED_HEADER + fields + bytes.readUInt32LE(4);
  return length > LONGEST ? malformed("a message that is too long") : length;
}

/** Reads one whole message. */
export function decodeMessage(bytes: Buffer): BusMessage {
  const reader = new Reader(bytes);
  const [, type, , , , serial, fields] = reader.all("yyyyuua(yv)");
  reader.align(8);
  const found: Record<string, BusValue> = {};
  if (!Array.isArray(fields)) return malformed("a header");
  for (const field of fields as readonly (readonly [number, Variant])[]) {
    const name = FIELDS.find(([code]) => code === field[0])?.[1];
    if (name !== undefined) found[name] = field[1].value;
  }
  const signature = typeof found["signature"] === "string" ? found["signature"] : "";
  const kind = TYPES[Number(type) - 1] ?? malformed("a message of unknown type");
  return { ...found, type: kind, serial: Number(serial), signature, body: reader.all(signature) };
}
