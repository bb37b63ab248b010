/**
 * What a shim is started with, as bytes: native/PROTOCOL.md, section 3.
 * @module
 */
import { encodeProgram } from "./encode.ts";
import type { Program } from "./program.ts";

const MAGIC = 0x314d4853;
const HEADER = 40;
const TTY = 1;
const OPEN_STDIN = 2;
const STDIN_ONCE = 4;
const LOG_KEEP = 8;
const LOG_IMPATIENT = 16;

export interface ShimLog {
  readonly path: string;
  /** Bytes after which it is rotated; 0: never. */
  readonly limit: number;
  /** How many files are kept, the current one included. */
  readonly files: number;
  /** In every record: `,"attrs":{"tag":"web"}`; nothing by default. */
  readonly attributes?: string;
  /** No file begins before the last one has the sticky bit: the container waits. Needs two files at least. */
  readonly keepsUnmarked?: boolean;
  /** Records are dropped at once, not after a while, when the file takes nothing. */
  readonly impatient?: boolean;
  /** Bytes that wait between the container and the shim, at most what the kernel allows; undefined: as pipes have it. */
  readonly pipeSize?: number;
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

/**
 * The bytes of a shim's configuration, behind `headroom` bytes (a multiple of eight) for whoever sends it. Its program is
 * killed after `deadline` ms, rounded up to seconds; 0: it takes as long as it does.
 */
export function encodeShim(options: ShimOptions, headroom = 0, deadline = 0): Buffer {
  const { log } = options;
  const strings = [options.id, options.directory, log?.path ?? "", log?.attributes ?? ""];
  const sizes = strings.map((text) => (4 + Buffer.byteLength(text) + 1 + 3) & ~3);
  const front = headroom + ((HEADER + sizes.reduce((sum, size) => sum + size, 0) + 7) & ~7);
  const buffer = encodeProgram(options.program, front);
  let at = headroom;
  buffer.writeUInt32LE(MAGIC, at);
  const flags =
    (options.tty ? TTY : 0) |
    (options.openStdin ? OPEN_STDIN : 0) |
    (options.stdinOnce ? STDIN_ONCE : 0) |
    (log?.keepsUnmarked === true ? LOG_KEEP : 0) |
    (log?.impatient === true ? LOG_IMPATIENT : 0);
  buffer.writeUInt32LE(flags, at + 4);
  buffer.writeUInt32LE(options.expectedAttaches, at + 8);
  buffer.writeUInt16LE(options.rows, at + 12);
  buffer.writeUInt16LE(options.columns, at + 14);
  buffer.writeBigUInt64LE(BigInt(log?.limit ?? 0), at + 16);
  buffer.writeUInt32LE(Math.max(log?.files ?? 1, 1), at + 24);
  buffer.writeUInt32LE(log?.pipeSize ?? 0, at + 28);
  buffer.writeUInt32LE(Math.ceil(deadline / 1000), at + 32);
  at += HEADER;
  strings.forEach((text, i) => {
    buffer.writeUInt32LE(buffer.write(text, at + 4), at);
    at += sizes[i] ?? 0;
  });
  return buffer;
}
