/**
 * What the kernel answers on netlink, taken apart. Lengths are checked against the bytes that are there.
 * @module
 */
import { failure } from "../../errors/mod.ts";

const HEADER = 16;
const ATTRIBUTE = 4;
const TYPE_MASK = 0x3fff;
const text = new TextDecoder();

/** A message without its header. */
export interface ReceivedMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The family's header and the attributes. */
  readonly payload: Uint8Array;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(what: string): Error {
  return failure("internal", { message: `netlink: ${what} is cut off` });
}

/** Whole messages, one behind the other. Throws `internal` if one is cut off. */
export function parseMessages(bytes: Uint8Array): ReceivedMessage[] {
  const view = viewOf(bytes);
  const messages: ReceivedMessage[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + HEADER > bytes.length) throw malformed("a message");
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) throw malformed("a message");
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** Attributes by their type; of several of one type, {@link AttributeReader.all} gives each. */
export class AttributeReader {
  readonly #values: readonly (readonly [type: number, value: Uint8Array])[];

  /** Attributes of `bytes` from `start` on. Throws `internal` if one is cut off. */
  constructor(bytes: Uint8Array, start = 0) {
    const view = viewOf(bytes);
    const values: (readonly [number, Uint8Array])[] = [];
    for (let at = start; at + ATTRIBUTE <= bytes.length;) {
      const length = view.getUint16(at, true);
      if (length < ATTRIBUTE || at + length > bytes.length) throw malformed("an attribute");
      values.push([view.getUint16(at + 2, true) & TYPE_MASK, bytes.subarray(at + ATTRIBUTE, at + length)]);
      at += (length + 3) & ~3;
    }
    this.#values = values;
  }

  /** The value of `type`; of several, the last one. */
  bytes(type: number): Uint8Array | undefined {
    return this.#values.findLast(([known]) => known === type)?.[1];
  }

  /** Every value of `type`. */
  all(type: number): Uint8Array[] {
    return this.#values.filter(([known]) => known === type).map(([, value]) => value);
  }

  nested(type: number): AttributeReader | undefined {
    const value = this.bytes(type);
    return value === undefined ? undefined : new AttributeReader(value);
  }

  /** A string without its NUL. */
  string(type: number): string | undefined {
    const value = this.bytes(type);
    if (value === undefined) return undefined;
    const end = value.indexOf(0);
    return text.decode(end < 0 ? value : value.subarray(0, end));
  }

  u8(type: number): number | undefined {
    return this.#number(type, 1, (view) => view.getUint8(0));
  }

  u16(type: number): number | undefined {
    return this.#number(type, 2, (view) => view.getUint16(0, true));
  }

  u32(type: number): number | undefined {
    return this.#number(type, 4, (view) => view.getUint32(0, true));
  }

  be16(type: number): number | undefined {
    return this.#number(type, 2, (view) => view.getUint16(0));
  }

  be32(type: number): number | undefined {
    return this.#number(type, 4, (view) => view.getUint32(0));
  }

  be64(type: number): bigint | undefined {
    return this.#number(type, 8, (view) => view.getBigUint64(0));
  }

  #number<T>(type: number, size: number, read: (view: DataView) => T): T | undefined {
    const value = this.bytes(type);
    if (value === undefined) return undefined;
    if (value.length < size) throw malformed(`attribute ${type}`);
    return read(viewOf(value));
  }
}
