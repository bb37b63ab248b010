/**
 * What a container uses, from its cgroup's files, in the units of Docker's API: nanoseconds and bytes.
 * Files: the kernel's admin-guide/cgroup-v1 and cgroup-v2.
 * @module
 */
import { directoryOf } from "./location.ts";
import type { Cgroup } from "./types.ts";

export interface CpuStats {
  /** Nanoseconds, all processors together. */
  readonly usage: number;
  readonly user: number;
  readonly system: number;
  /** Nanoseconds of each processor. Version 1 only. */
  readonly each?: readonly number[];
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledTime: number;
}

export interface MemoryStats {
  readonly usage: number;
  /** The most that it ever was. Version 1 only. */
  readonly peak?: number;
  /** Undefined: no limit. */
  readonly limit?: number;
  /** How often the limit was hit; of version 2, how often there was nothing left below it. */
  readonly failures: number;
  /** memory.stat as it is, `key number` on each line. A number that means "no limit" is more than a double can hold. */
  readonly details: string;
}

/** Bytes or operations of one kind on one device. */
export interface BlockIOStats {
  readonly major: number;
  readonly minor: number;
  /** `Read`, `Write`, `Sync`, …; of version 2 `read` and `write`. */
  readonly operation: string;
  readonly value: number;
}

/** Undefined parts: this host has no such controller, or the cgroup is gone. */
export interface CgroupStats {
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly pids?: { readonly current: number; readonly limit?: number };
  readonly blockIO?: {
    readonly bytes: readonly BlockIOStats[];
    readonly operations: readonly BlockIOStats[];
  };
}

/** Reads a file; undefined if it isn't there. */
export type ReadFile = (path: string) => string | undefined;

/** Version 1 counts the time of `cpuacct.stat` in ticks of 10 ms (USER_HZ is 100 wherever Linux runs). */
const TICK = 10_000_000;
/** Version 1 has no word for "no limit": a number near the largest of 64 bits with a sign. */
const UNLIMITED = 2 ** 62;

/** Files below a directory: those that change all the time, and those that change when somebody changes a limit. */
interface Files {
  readonly now: ReadFile;
  readonly rarely: ReadFile;
}

/**
 * Reads what the cgroup uses. Its files are the kernel's memory: reading them waits for nothing. `rarely` may answer with
 * what a file said a moment ago.
 */
export function readStats(cgroup: Cgroup, read: ReadFile, rarely: ReadFile = read): CgroupStats {
  const [first] = cgroup.directories;
  if (first?.hierarchy.version === 2) {
    const at: Files = {
      now: (file) => read(`${first.path}/${file}`),
      rarely: (file) => rarely(`${first.path}/${file}`),
    };
    return { cpu: cpuV2(at.now), memory: memoryV2(at), pids: pidsOf(at), blockIO: blockIOV2(at.now) };
  }
  const at = (controller: string): Files => {
    const directory = directoryOf(cgroup, controller);
    if (directory === undefined) return { now: () => undefined, rarely: () => undefined };
    return {
      now: (file) => read(`${directory}/${file}`),
      rarely: (file) => rarely(`${directory}/${file}`),
    };
  };
  return {
    cpu: cpuV1(at("cpu"), at("cpuacct")),
    memory: memoryV1(at("memory")),
    pids: pidsOf(at("pids")),
    blockIO: blockIOV1(at("blkio")),
  };
}

/** The number after `key` in a text of lines `key number`; 0 if there is none. */
function valueOf(text: string | undefined, key: string): number {
  const lines = `\n${text ?? ""}`;
  const at = lines.indexOf(`\n${key} `);
  if (at < 0) return 0;
  const from = at + key.length + 2;
  const end = lines.indexOf("\n", from);
  return Number(lines.slice(from, end < 0 ? undefined : end));
}

function limitOf(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isNaN(value) || value > UNLIMITED ? undefined : value;
}

function cpuV1(cpu: Files, account: Files): CpuStats | undefined {
  const each = account.now("cpuacct.usage_percpu")?.trim().split(" ").map(Number);
  if (each === undefined) return undefined;
  const times = account.now("cpuacct.stat");
  // Without a quota there are no periods to count.
  const limited = Number(cpu.rarely("cpu.cfs_quota_us") ?? -1) > 0;
  const throttling = limited ? cpu.now("cpu.stat") : undefined;
  return {
    // cpuacct.usage is the same sum.
    usage: each.reduce((sum, one) => sum + one, 0),
    user: valueOf(times, "user") * TICK,
    system: valueOf(times, "system") * TICK,
    each,
    periods: valueOf(throttling, "nr_periods"),
    throttledPeriods: valueOf(throttling, "nr_throttled"),
    throttledTime: valueOf(throttling, "throttled_time"),
  };
}

function cpuV2(at: ReadFile): CpuStats | undefined {
  const stat = at("cpu.stat");
  if (stat === undefined) return undefined;
  const nanoseconds = (key: string): number => valueOf(stat, key) * 1000;
  return {
    usage: nanoseconds("usage_usec"),
    user: nanoseconds("user_usec"),
    system: nanoseconds("system_usec"),
    periods: valueOf(stat, "nr_periods"),
    throttledPeriods: valueOf(stat, "nr_throttled"),
    throttledTime: nanoseconds("throttled_usec"),
  };
}

function memoryV1(at: Files): MemoryStats | undefined {
  const usage = at.now("memory.usage_in_bytes");
  if (usage === undefined) return undefined;
  return {
    usage: Number(usage),
    peak: limitOf(at.now("memory.max_usage_in_bytes")),
    limit: limitOf(at.rarely("memory.limit_in_bytes")),
    failures: Number(at.rarely("memory.failcnt") ?? 0),
    details: at.now("memory.stat") ?? "",
  };
}

function memoryV2(at: Files): MemoryStats | undefined {
  const usage = at.now("memory.current");
  if (usage === undefined) return undefined;
  return {
    usage: Number(usage),
    limit: limitOf(at.rarely("memory.max")),
    failures: valueOf(at.rarely("memory.events"), "oom"),
    details: at.now("memory.stat") ?? "",
  };
}

function pidsOf(at: Files): CgroupStats["pids"] {
  const current = at.now("pids.current");
  return current === undefined
    ? undefined
    : { current: Number(current), limit: limitOf(at.rarely("pids.max")) };
}

function blockIOV1(at: Files): CgroupStats["blockIO"] {
  // BFQ's files count what BFQ scheduled; the throttle's count everything, but only they exist without BFQ.
  const one = (name: string): string | undefined => {
    const file = `blkio.bfq.${name}_recursive`;
    const scheduled = at.rarely(file)?.includes(":") === true;
    return scheduled ? at.now(file) : at.now(`blkio.throttle.${name}_recursive`);
  };
  const bytes = one("io_service_bytes");
  if (bytes === undefined) return undefined;
  // Most containers never touch a device: then the other file has nothing either.
  if (!bytes.includes(":")) return { bytes: [], operations: [] };
  return { bytes: linesV1(bytes), operations: linesV1(one("io_serviced") ?? "") };
}

/** `8:0 Read 4096`; the last line, `Total 4096`, has no device. */
function linesV1(text: string): BlockIOStats[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, operation = "", value]) => ({
    major: Number(major),
    minor: Number(minor),
    operation,
    value: Number(value),
  }));
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0` */
function blockIOV2(at: ReadFile): CgroupStats["blockIO"] {
  const text = at("io.stat");
  if (text === undefined) return undefined;
  const column = (read: string, written: string): BlockIOStats[] =>
    [...text.matchAll(/^(\d+):(\d+) (.*)$/gm)].flatMap(([, major, minor, rest = ""]) =>
      [
        [read, "read"],
        [written, "write"],
      ].map(([key, operation = ""]) => ({
        major: Number(major),
        minor: Number(minor),
        operation,
        value: Number(new RegExp(`\\b${key}=(\\d+)`).exec(rest)?.[1] ?? 0),
      })),
    );
  return { bytes: column("rbytes", "wbytes"), operations: column("rios", "wios") };
}
