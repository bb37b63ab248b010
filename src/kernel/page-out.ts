/**
 * Has a process give back memory that files hold as well: pages of its executable that it needed once.
 * @module
 */
import { CWD, open } from "./calls.ts";
import { flags, O } from "./flags.ts";
import { int, struct, type ProgramBuilder } from "./program.ts";

/** A part of a process's addresses, in bytes. */
export interface MemoryRange {
  readonly start: bigint;
  readonly length: bigint;
}

const MADV_PAGEOUT = 21;
/** struct iovec of 64-bit processes: address and length. */
const VECTOR = 16;
/** As many as a call takes (UIO_MAXIOV). */
const mostRanges = 1024;

/**
 * Adds that the process `pid` lets go of the pages of `ranges`, the first 1024, which files hold (process_madvise(2)). They
 * come back when they are needed; those that others have mapped as well stay.
 */
export function pageOut(b: ProgramBuilder, pid: number, ranges: readonly MemoryRange[]): void {
  const some = ranges.slice(0, mostRanges);
  const vectors = Buffer.alloc(some.length * VECTOR);
  some.forEach(({ start, length }, i) => {
    vectors.writeBigUInt64LE(start, i * VECTOR);
    vectors.writeBigUInt64LE(length, i * VECTOR + 8);
  });
  const process = b.slot("the process");
  b.call("find the process", "pidfd_open", [pid, 0], { into: process });
  b.call("have it let go of what it doesn't need", "process_madvise", [
    process,
    struct(vectors, `[${some.length} ranges]`),
    some.length,
    int(MADV_PAGEOUT, "MADV_PAGEOUT"),
    0,
  ]);
}

/** Adds that the page cache gets what `file` holds, if it hasn't: whoever needs it doesn't wait for the disk. */
export function readAhead(b: ProgramBuilder, file: string): void {
  const content = b.slot("the file");
  open(b, `open ${file}`, CWD, file, flags(O, "RDONLY", "CLOEXEC"), content);
  b.call("have it at hand", "readahead", [content, 0, 0x7fffffff]);
}
