/**
 * MessagePack, as much of it as the forward protocol of Fluentd needs.
 * @module
 */

/** What stands before a string of so many bytes. */
export function packTextHead(length: number): Buffer {
  if (length < 32) return Buffer.of(0xa0 | length);
  if (length < 0x100) return Buffer.of(0xd9, length);
  if (length < 0x10000) return Buffer.of(0xda, length >> 8, length & 0xff);
  return Buffer.of(0xdb, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

/** A string with its head. */
export function packText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([packTextHead(bytes.length), bytes]);
}

/** A map of up to 15 or 65,535 pairs; the pairs follow. */
export function packMapHead(pairs: number): Buffer {
  return pairs < 16 ? Buffer.of(0x80 | pairs) : Buffer.of(0xde, pairs >> 8, pairs & 0xff);
}

/** An array of up to 15 elements; they follow. */
export function packArrayHead(elements: number): Buffer {
  return Buffer.of(0x90 | elements);
}

/** A number of 32 bits. */
export function packUnsigned(value: number): Buffer {
  const packed = Buffer.alloc(5);
  packed[0] = 0xce;
  packed.writeUInt32BE(value >>> 0, 1);
  return packed;
}

/** Fluentd's EventTime: seconds and nanoseconds, extension type 0. */
export function packEventTime(nanoseconds: bigint): Buffer {
  const packed = Buffer.alloc(10);
  packed[0] = 0xd7;
  packed.writeUInt32BE(Number((nanoseconds / 1_000_000_000n) & 0xffffffffn), 2);
  packed.writeUInt32BE(Number(nanoseconds % 1_000_000_000n), 6);
  return packed;
}

/**
 * The text of `key` in the map at the beginning of `bytes`, a map of strings. Undefined: the map isn't whole yet; `end` is
 * where it ends.
 */
export function unpackTextMap(
  bytes: Buffer,
): { readonly values: Readonly<Record<string, string>>; readonly end: number } | undefined {
  const reader = new Reader(bytes);
  const first = reader.byte();
  if (first === undefined) return undefined;
  const pairs = (first & 0xf0) === 0x80 ? first & 0x0f : first === 0xde ? reader.number(2) : undefined;
  if (pairs === undefined) return undefined;
  const values: Record<string, string> = {};
  for (let i = 0; i < pairs; i++) {
    const key = reader.text();
    const value = reader.text();
    if (key === undefined || value === undefined) return undefined;
    values[key] = value;
  }
  return { values, end: reader.at };
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number | undefined {
    return this.#bytes[this.at++];
  }

  number(size: number): number | undefined {
    if (this.at + size > this.#bytes.length) return undefined;
    const value = this.#bytes.readUIntBE(this.at, size);
    this.at += size;
    return value;
  }

  /** A string or binary; undefined if it isn't whole, or something else. */
  text(): string | undefined {
    const head = this.byte();
    if (head === undefined) return undefined;
    const sizes: Readonly<Record<number, number>> = { 0xd9: 1, 0xda: 2, 0xdb: 4, 0xc4: 1, 0xc5: 2, 0xc6: 4 };
    const size = sizes[head];
    const length = (head & 0xe0) === 0xa0 ? head & 0x1f : size === undefined ? undefined : this.number(size);
    if (length === undefined || this.at + length > this.#bytes.length) return undefined;
    const text = this.#bytes.toString("utf8", this.at, this.at + length);
    this.at += length;
    return text;
  }
}
