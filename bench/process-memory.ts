/**
 * Memory of processes, as /proc tells it (proc_pid_smaps_rollup(5), proc_pid_status(5)).
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { failure } from "../src/errors/mod.ts";

/** In bytes. */
export interface Memory {
  readonly rss: number;
  /** Its own memory, and its share of what it has in common with others. */
  readonly pss: number;
  /** What would be freed if it ended, without what is clean and comes from files. */
  readonly privateDirty: number;
}

/** A process's memory now. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return {
    rss: kilobytes(text, "Rss"),
    pss: kilobytes(text, "Pss"),
    privateDirty: kilobytes(text, "Private_Dirty"),
  };
}

/** Lets the peak of a process's resident memory begin anew. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The most that a process had resident since its start or {@link resetPeak}, in bytes. */
export function peakOf(pid: number): number {
  return kilobytes(readFileSync(`/proc/${pid}/status`, "utf8"), "VmHWM");
}

/** The parent's pid. */
export function parentOf(pid: number): number {
  const found = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0);
}

function kilobytes(text: string, field: string): number {
  const found = new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(text);
  if (found === null) throw failure("internal", { message: `there is no ${field} in /proc` });
  return Number(found[1]) * 1024;
}
