/**
 * What the native executor's tests have in common: short programs.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  flags,
  int,
  O,
  ProgramBuilder,
  struct,
  type Int,
  type Program,
  type Result,
  type Slot,
} from "../../src/kernel/mod.ts";

/** What `make -C native` made. */
export const binary: string = join(import.meta.dir, "../../native/build/caisson-native");
/** AT_FDCWD */
export const CWD = -100;
/** No CLONE_* flags. */
export const NONE: Int = int(0);

/** The program that `fill` builds. */
export function build(fill: (b: ProgramBuilder) => void): Program {
  const b = new ProgramBuilder();
  fill(b);
  return b.build();
}

/** Adds opening `path` for reading. */
export function open(b: ProgramBuilder, path: string, into: Slot, tolerate?: "any"): Result {
  return b.call(`open ${path}`, "openat", [CWD, path, flags(O, "RDONLY", "CLOEXEC"), 0], {
    into,
    ...(tolerate === undefined ? {} : { tolerate }),
  });
}

/** Adds waiting for so many seconds. */
export function sleep(b: ProgramBuilder, seconds: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(seconds)), 0);
  time.writeBigInt64LE(BigInt(Math.round((seconds % 1) * 1e9)), 8);
  b.call(`sleep ${seconds} s`, "nanosleep", [struct(time, `${seconds} s`), 0]);
}

/** PIDs of the children of `pid`. */
export function childrenOf(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
}
