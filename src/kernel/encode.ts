/**
 * Programs as bytes: the writer of native/PROTOCOL.md, section 1.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { errnoNumbers } from "./errno.ts";
import { composites, type Composite, type Operation, type Program } from "./program.ts";
import { nativeArch, syscallNumber } from "./syscalls/mod.ts";
import { WireData } from "./wire-data.ts";

const MAGIC = 0x314e5343;
const HEADER = 32;
const OPERATION = 120;
const ARGUMENT = 16;
const NO_SLOT = 0xffff;
/** Bytes of data that an operation has on average; more is made room for when needed. */
const DATA_PER_OPERATION = 40;

const numbers = new Map<string, number>();

/** Number of a system call on this machine. */
function nativeSyscall(name: string): number {
  const known = numbers.get(name) ?? syscallNumber(nativeArch(), name);
  if (known === undefined) throw failure("internal", { message: `this machine has no system call ${name}` });
  numbers.set(name, known);
  return known;
}

function writeOperation(data: WireData, at: number, operation: Operation): void {
  const { composite, call, args, into, tolerate, optional, span } = operation;
  if (args.length > 6) throw failure("internal", { message: `${call} has more than six arguments` });
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument !== undefined) data.write(at + 24 + i * ARGUMENT, data.argument(argument));
  }
  // After the arguments: they may have moved the buffer.
  const { view } = data;
  view.setUint16(at, composite ? composites[call as Composite] : 0, true);
  view.setUint16(at + 2, (optional === true ? 1 : 0) | (tolerate === "any" ? 2 : 0), true);
  view.setUint32(at + 4, composite ? (span ?? 0) : nativeSyscall(call), true);
  view.setUint16(at + 8, into?.index ?? NO_SLOT, true);
  view.setUint16(at + 10, args.length, true);
  if (tolerate === undefined || tolerate === "any") return;
  if (tolerate.length > 4) throw failure("internal", { message: `${call} tolerates more than four errnos` });
  tolerate.forEach((name, i) => view.setUint16(at + 12 + i * 2, errnoNumbers[name], true));
}

/**
 * The bytes of `program`, behind `headroom` bytes (a multiple of eight) for whoever sends it. Throws
 * `invalid-parameter` for a string with a NUL byte, since the kernel would see another string than the one that was
 * checked.
 */
export function encodeProgram(program: Program, headroom = 0): Buffer {
  if (program.bytes !== undefined) {
    const known = Buffer.alloc(headroom + program.bytes.length);
    known.set(program.bytes, headroom);
    return known;
  }
  const { operations } = program;
  const dataOffset = HEADER + operations.length * OPERATION;
  const data = new WireData(headroom + dataOffset, 1024 + operations.length * DATA_PER_OPERATION);
  operations.forEach((operation, i) => writeOperation(data, headroom + HEADER + i * OPERATION, operation));
  data.finish();
  const { view } = data;
  view.setUint32(headroom, MAGIC, true);
  view.setUint32(headroom + 4, data.end - headroom, true);
  view.setUint32(headroom + 8, operations.length, true);
  view.setUint32(headroom + 12, program.slots, true);
  view.setUint32(headroom + 16, dataOffset, true);
  view.setUint32(headroom + 20, data.end - data.start, true);
  view.setUint32(headroom + 24, program.outputs, true);
  return Buffer.from(data.bytes.buffer, 0, data.end);
}
