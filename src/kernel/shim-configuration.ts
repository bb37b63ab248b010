/**
 * What a shim is started with, as bytes: native/PROTOCOL.md, section 3.
 * @module
 */
import { encodeProgram } from "./encode.ts";
import type { Program } from "./program.ts";

const MAGIC = 0x314d4853;
const TTY = 1;
const OPEN_STDIN = 2;
const STDIN_ONCE = 4;

export interface ShimLog {
  readonly path: string;
  /** Bytes after which it is rotated; 0: never. */
  readonly limit: number;
  /** How many files are kept, the current one included. */
  readonly files: number;
}

export interface ShimOptions {
  /** Shown as the shim's argument in process lists. */
  readonly id: string;
  /** Where its socket, its pid and the exit record lie. */
  readonly directory: string;
  readonly program: Program;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  /** Attached clients that must come before output is read. */
  readonly expectedAttaches: number;
  readonly rows: number;
  readonly columns: number;
  readonly log?: ShimLog;
}

/** The bytes of a shim's configuration. */
export function encodeShim(options: ShimOptions): Buffer {
  const { log } = options;
  const strings = [options.id, options.directory, log?.path ?? ""].map((text) => {
    const length = Buffer.byteLength(text);
    const buffer = Buffer.alloc((4 + length + 1 + 3) & ~3);
    buffer.writeUInt32LE(length, 0);
    buffer.write(text, 4);
    return buffer;
  });
  const head = Buffer.alloc(32);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(
    (options.tty ? TTY : 0) | (options.openStdin ? OPEN_STDIN : 0) | (options.stdinOnce ? STDIN_ONCE : 0),
    4,
  );
  head.writeUInt32LE(options.expectedAttaches, 8);
  head.writeUInt16LE(options.rows, 12);
  head.writeUInt16LE(options.columns, 14);
  head.writeBigUInt64LE(BigInt(log?.limit ?? 0), 16);
  head.writeUInt32LE(Math.max(log?.files ?? 1, 1), 24);
  const length = strings.reduce((sum, buffer) => sum + buffer.length, head.length);
  const padding = Buffer.alloc(-length & 7);
  return Buffer.concat([head, ...strings, padding, encodeProgram(options.program)]);
}
