/**
 * Version 1's numbers, in which OCI and Docker count, as version 2's. The formulas are runc's, so that a container has
 * the same weight whatever runs it.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { MemoryResources } from "./types.ts";

/** cpu.weight, 1 to 10000: a curve through (2, 1), (1024, 100) and (262144, 10000). */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** io.weight, 1 to 10000, from a block IO weight of 10 to 1000. */
export function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** memory.swap.max in bytes, -1 for no limit; undefined if it isn't set. Version 1 counts memory and swap together. */
export function swapMax({ limit, swap }: MemoryResources): number | undefined {
  if (swap === undefined) return limit === -1 ? -1 : undefined;
  if (swap < 0) return -1;
  if (limit === undefined || limit < 0) {
    throw failure("invalid-parameter", { message: "unable to set swap limit without memory limit" });
  }
  if (swap < limit) {
    throw failure("invalid-parameter", { message: "memory+swap limit should be >= memory limit" });
  }
  return swap - limit;
}
