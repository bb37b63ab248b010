/**
 * The bytes of a program while they are written: one buffer with the operations in front and the data behind, so that
 * nothing is copied. Layout: native/PROTOCOL.md, section 1.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Argument, Text } from "./program.ts";

const ARGUMENT = 16;
const encoder = new TextEncoder();

/** Types of arguments in the wire. */
const types = { int: 0, slot: 1, bytes: 2, out: 3, result: 4, struct: 6, text: 7 } as const;

/** A structure, or a vector, which in the wire is one of pointers. */
interface Structure {
  readonly bytes: Uint8Array;
  readonly patches: readonly { offset: number; width: 4 | 8; value: Argument }[];
}

/** What an argument is in the wire: type, index, length, value. */
export type Wire = readonly [type: number, index: number, length: number, value: number | bigint];

/** A buffer that grows, with its data section from `start` on; equal strings are stored once. */
export class WireData {
  /** Everything from the front on; zero where nothing was written. */
  bytes: Uint8Array;
  /** Where the data section begins. */
  readonly start: number;
  /** Bytes in use, the front included. */
  end: number;
  #view: DataView;
  readonly #strings = new Map<string, Wire>();

  /** `start` bytes in front are the caller's. */
  constructor(start: number, expected: number) {
    const memory = new ArrayBuffer(start + expected);
    this.bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.start = start;
    this.end = start;
  }

  /** For writing numbers; another one after the buffer has grown. */
  get view(): DataView {
    return this.#view;
  }

  /** Room for `size` bytes, 8-aligned in the data section; returns where in the buffer. */
  #reserve(size: number): number {
    const at = this.start + ((this.end - this.start + 7) & -8);
    this.end = at + size;
    if (this.end > this.bytes.length) {
      const memory = new ArrayBuffer(Math.max(this.bytes.length * 2, this.end + 4096));
      const larger = new Uint8Array(memory);
      larger.set(this.bytes);
      this.bytes = larger;
      this.#view = new DataView(memory);
    }
    return at;
  }

  /** Fills up to a multiple of eight. */
  finish(): void {
    this.#reserve(0);
  }

  #bytes(value: Uint8Array): Wire {
    // The byte behind must exist and be zero.
    const at = this.#reserve(value.length + 1);
    this.bytes.set(value, at);
    return [types.bytes, 0, value.length, at - this.start];
  }

  #string(value: string): Wire {
    let wire = this.#strings.get(value);
    if (wire === undefined) {
      if (value.includes("\0")) {
        throw failure("invalid-parameter", { message: `${JSON.stringify(value)} contains a NUL byte` });
      }
      wire = this.#text8(value);
      this.#strings.set(value, wire);
    }
    return wire;
  }

  /** UTF-8, written in place: no string is longer than three times its length in it. */
  #text8(value: string): Wire {
    const room = value.length * 3 + 1;
    const at = this.#reserve(room);
    const { written } = encoder.encodeInto(value, this.bytes.subarray(at, at + room));
    this.end = at + written + 1;
    return [types.bytes, 0, written, at - this.start];
  }

  #vector(values: readonly string[]): Wire {
    const patches = values.map((value, i) => ({ offset: i * 8, width: 8 as const, value }));
    return this.#struct({ bytes: new Uint8Array((values.length + 1) * 8), patches });
  }

  #struct({ bytes, patches }: Structure): Wire {
    const wires = patches.map(({ value }) => this.argument(value));
    const table = this.#reserve(patches.length * ARGUMENT + bytes.length);
    patches.forEach(({ offset, width }, i) => {
      const [type = 0, index = 0, length = 0, value = 0] = wires[i] ?? [];
      const at = table + i * ARGUMENT;
      this.#view.setUint32(at, offset, true);
      this.#view.setUint8(at + 4, width);
      this.#view.setUint8(at + 5, type);
      this.#view.setUint16(at + 6, index, true);
      this.#view.setUint32(at + 8, length, true);
      this.#view.setUint32(at + 12, Number(value), true);
    });
    this.bytes.set(bytes, table + patches.length * ARGUMENT);
    return [types.struct, patches.length, bytes.length, table - this.start];
  }

  #text({ parts }: Text): Wire {
    const wires = parts.map((part) => this.argument(part));
    const table = this.#reserve(parts.length * ARGUMENT);
    wires.forEach((wire, i) => this.write(table + i * ARGUMENT, wire));
    return [types.text, parts.length, 0, table - this.start];
  }

  /** Stores what `value` refers to; returns the argument itself. */
  argument(value: Argument): Wire {
    if (typeof value === "number" || typeof value === "bigint") return [types.int, 0, 0, value];
    if (typeof value === "string") return this.#string(value);
    switch (value.kind) {
      case "int":
        return [types.int, 0, 0, value.value];
      case "slot":
        return [types.slot, value.index, 0, 0];
      case "bytes":
        return this.#bytes(value.value);
      case "out":
        return [types.out, 0, value.size, value.offset];
      case "result":
        return [types.result, 0, 0, value.operation];
      case "vector":
        return this.#vector(value.values);
      case "struct":
        return this.#struct(value);
      case "text":
        return this.#text(value);
    }
  }

  /** Writes an argument at `at` of the buffer. */
  write(at: number, [type, index, length, value]: Wire): void {
    const view = this.#view;
    view.setUint16(at, type, true);
    view.setUint16(at + 2, index, true);
    view.setUint32(at + 4, length, true);
    if (typeof value === "bigint") {
      view.setBigUint64(at + 8, BigInt.asUintN(64, value), true);
    } else {
      view.setUint32(at + 8, value >>> 0, true);
      view.setUint32(at + 12, Math.floor(value / 0x1_0000_0000) >>> 0, true);
    }
  }
}
