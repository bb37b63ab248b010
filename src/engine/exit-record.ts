/**
 * What a shim leaves behind of its process: native/PROTOCOL.md, section 3.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** How a process ended. Times are nanoseconds since the epoch. */
export interface ExitRecord {
  /** Exit code, or 128 + signal. */
  readonly code: number;
  readonly signal: number;
  readonly finished: bigint;
  readonly pid?: number;
  readonly started?: bigint;
  readonly error?: string;
}

/** The record in a shim's folder; undefined if there is none. */
export function readExitRecord(folder: string): ExitRecord | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, "exit"), "utf8");
  } catch {
    return undefined;
  }
  const { pid, code, signal, started, finished } = JSON.parse(text) as Record<
    "pid" | "code" | "signal",
    number
  > &
    Record<"started" | "finished", string>;
  return { pid, code, signal, started: BigInt(started), finished: BigInt(finished) };
}
