/**
 * Programs as bytes: the writer of native/PROTOCOL.md, section 1.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { errnoNumbers } from "./errno.ts";
import {
  composites,
  type Argument,
  type Composite,
  type Operation,
  type Program,
  type Struct,
  type Text,
} from "./program.ts";
import { nativeArch, syscallNumber } from "./syscalls/mod.ts";

const MAGIC = 0x314e5343;
const HEADER = 32;
const OPERATION = 120;
const ARGUMENT = 16;
const NO_SLOT = 0xffff;
const types = { int: 0, slot: 1, bytes: 2, out: 3, result: 4, vector: 5, struct: 6, text: 7 } as const;
const encoder = new TextEncoder();

const numbers = new Map<string, number>();

/** Number of a system call on this machine. */
function nativeSyscall(name: string): number {
  const known = numbers.get(name) ?? syscallNumber(nativeArch(), name);
  if (known === undefined) throw failure("internal", { message: `this machine has no system call ${name}` });
  numbers.set(name, known);
  return known;
}

/** What an argument is in the wire: type, index, length, value. */
type Wire = readonly [type: number, index: number, length: number, value: number | bigint];

/** The data section: grows as operations refer to it; equal strings are stored once. */
class Data {
  buffer: Buffer = Buffer.allocUnsafe(16384);
  length = 0;
  readonly #strings = new Map<string, Wire>();

  /** Room for `size` bytes, aligned; returns its offset. What is skipped is zero. */
  reserve(size: number, align: number): number {
    const start = (this.length + align - 1) & -align;
    const end = start + size;
    if (end > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, end + 4096));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    this.buffer.fill(0, this.length, start);
    this.length = end;
    return start;
  }

  bytes(value: Uint8Array): Wire {
    const offset = this.reserve(value.length + 1, 8);
    this.buffer.set(value, offset);
    this.buffer[offset + value.length] = 0;
    return [types.bytes, 0, value.length, offset];
  }

  string(value: string): Wire {
    let wire = this.#strings.get(value);
    if (wire === undefined) {
      if (value.includes("\0"))
        throw failure("invalid-parameter", { message: `${JSON.stringify(value)} contains a NUL byte` });
      wire = this.bytes(encoder.encode(value));
      this.#strings.set(value, wire);
    }
    return wire;
  }

  vector(values: readonly string[]): Wire {
    const offsets = values.map((value) => this.string(value)[3]);
    const table = this.reserve(values.length * 4, 8);
    offsets.forEach((offset, i) => this.buffer.writeUInt32LE(Number(offset), table + i * 4));
    return [types.vector, 0, values.length, table];
  }

  struct(value: Struct): Wire {
    const patches = value.patches.map((patch) => ({ patch, wire: this.argument(patch.value) }));
    const table = this.reserve(patches.length * ARGUMENT + value.bytes.length, 8);
    patches.forEach(({ patch, wire }, i) => {
      const at = table + i * ARGUMENT;
      this.buffer.writeUInt32LE(patch.offset, at);
      this.buffer[at + 4] = patch.width;
      this.buffer[at + 5] = wire[0];
      this.buffer.writeUInt16LE(wire[1], at + 6);
      this.buffer.writeUInt32LE(wire[2], at + 8);
      this.buffer.writeUInt32LE(Number(wire[3]), at + 12);
    });
    this.buffer.set(value.bytes, table + patches.length * ARGUMENT);
    return [types.struct, patches.length, value.bytes.length, table];
  }

  text(value: Text): Wire {
    const parts = value.parts.map((part) => this.argument(part));
    const table = this.reserve(parts.length * ARGUMENT, 8);
    parts.forEach((wire, i) => writeArgument(this.buffer, table + i * ARGUMENT, wire));
    return [types.text, parts.length, 0, table];
  }

  argument(value: Argument): Wire {
    if (typeof value === "number" || typeof value === "bigint") return [types.int, 0, 0, value];
    if (typeof value === "string") return this.string(value);
    switch (value.kind) {
      case "int":
        return [types.int, 0, 0, value.value];
      case "slot":
        return [types.slot, value.index, 0, 0];
      case "bytes":
        return this.bytes(value.value);
      case "out":
        return [types.out, 0, value.size, value.offset];
      case "result":
        return [types.result, 0, 0, value.operation];
      case "vector":
        return this.vector(value.values);
      case "struct":
        return this.struct(value);
      case "text":
        return this.text(value);
    }
  }
}

function writeArgument(buffer: Buffer, at: number, [type, index, length, value]: Wire): void {
  buffer.writeUInt16LE(type, at);
  buffer.writeUInt16LE(index, at + 2);
  buffer.writeUInt32LE(length, at + 4);
  if (typeof value === "bigint") {
    buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at + 8);
  } else {
    buffer.writeUInt32LE(value >>> 0, at + 8);
    buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000) >>> 0, at + 12);
  }
}

function writeOperation(buffer: Buffer, at: number, operation: Operation, data: Data): void {
  buffer.fill(0, at, at + OPERATION);
  const { composite, call, args, into, tolerate, optional, span } = operation;
  if (args.length > 6) throw failure("internal", { message: `${call} has more than six arguments` });
  buffer.writeUInt16LE(composite ? composites[call as Composite] : 0, at);
  buffer.writeUInt16LE((optional === true ? 1 : 0) | (tolerate === "any" ? 2 : 0), at + 2);
  buffer.writeUInt32LE(composite ? (span ?? 0) : nativeSyscall(call), at + 4);
  buffer.writeUInt16LE(into?.index ?? NO_SLOT, at + 8);
  buffer.writeUInt16LE(args.length, at + 10);
  if (tolerate !== undefined && tolerate !== "any") {
    if (tolerate.length > 4)
      throw failure("internal", { message: `${call} tolerates more than four errnos` });
    tolerate.forEach((name, i) => buffer.writeUInt16LE(errnoNumbers[name], at + 12 + i * 2));
  }
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument !== undefined) writeArgument(buffer, at + 24 + i * ARGUMENT, data.argument(argument));
  }
}

/**
 * The bytes of `program`. Throws `invalid-parameter` for a string with a NUL byte, since the kernel would see another
 * string than the one that was checked.
 */
export function encodeProgram(program: Program): Buffer {
  const { operations } = program;
  const dataOffset = HEADER + operations.length * OPERATION;
  const head = Buffer.allocUnsafe(dataOffset);
  const data = new Data();
  operations.forEach((operation, i) => writeOperation(head, HEADER + i * OPERATION, operation, data));
  data.reserve(0, 8);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(dataOffset + data.length, 4);
  head.writeUInt32LE(operations.length, 8);
  head.writeUInt32LE(program.slots, 12);
  head.writeUInt32LE(dataOffset, 16);
  head.writeUInt32LE(data.length, 20);
  head.writeUInt32LE(program.outputs, 24);
  head.writeUInt32LE(0, 28);
  return Buffer.concat([head, data.buffer.subarray(0, data.length)]);
}
