/**
 * What a container uses, from its cgroup's files, in the units of Docker's API: nanoseconds and bytes.
 * Files: the kernel's admin-guide/cgroup-v1 and cgroup-v2.
 * @module
 */
import { readFile } from "node:fs/promises";
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
  /** The most that it ever was, if the kernel tells. */
  readonly peak?: number;
  /** Undefined: no limit. */
  readonly limit?: number;
  /** How often the limit was hit. Version 1 only. */
  readonly failures?: number;
  /** How often the kernel killed a process here for want of memory. */
  readonly kills: number;
  /** memory.stat as it is. */
  readonly details: Readonly<Record<string, number>>;
}

/** Bytes and operations of one kind on one device. */
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
export type ReadFile = (path: string) => Promise<string | undefined>;

const readReal: ReadFile = (path) => readFile(path, "utf8").catch(() => undefined);

/** Version 1 counts the time of `cpuacct.stat` in ticks of 10 ms (USER_HZ is 100 wherever Linux runs). */
const TICK = 10_000_000;
/** Version 1 has no word for "no limit": a number near the largest of 64 bits with a sign. */
const UNLIMITED = 2 ** 62;

/** Reads what the cgroup uses. */
export async function readStats(cgroup: Cgroup, read: ReadFile = readReal): Promise<CgroupStats> {
  const [first] = cgroup.directories;
  if (first?.hierarchy.version === 2) return statsV2(first.path, read);
  const at = (controller: string): ReadFile => {
    const directory = directoryOf(cgroup, controller);
    return (file) => (directory === undefined ? Promise.resolve(undefined) : read(`${directory}/${file}`));
  };
  const [cpu, memory, pids, blockIO] = await Promise.all([
    cpuV1(at("cpu"), at("cpuacct")),
    memoryV1(at("memory")),
    pidsOf(at("pids")),
    blockIOV1(at("blkio")),
  ]);
  return { cpu, memory, pids, blockIO };
}

async function statsV2(directory: string, read: ReadFile): Promise<CgroupStats> {
  const at: ReadFile = (file) => read(`${directory}/${file}`);
  const [cpu, memory, pids, blockIO] = await Promise.all([
    cpuV2(at),
    memoryV2(at),
    pidsOf(at),
    blockIOV2(at),
  ]);
  return { cpu, memory, pids, blockIO };
}

/** `key value` on each line. */
function table(text: string | undefined): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of text?.split("\n") ?? []) {
    const [key, value] = line.split(" ");
    if (key !== undefined && value !== undefined) found[key] = Number(value);
  }
  return found;
}

function limitOf(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isNaN(value) || value > UNLIMITED ? undefined : value;
}

async function cpuV1(cpu: ReadFile, account: ReadFile): Promise<CpuStats | undefined> {
  const names = ["cpuacct.usage", "cpuacct.stat", "cpuacct.usage_percpu"];
  const [usage, times, each, throttling] = await Promise.all([...names.map(account), cpu("cpu.stat")]);
  if (usage === undefined) return undefined;
  const { user = 0, system = 0 } = table(times);
  const { nr_periods = 0, nr_throttled = 0, throttled_time = 0 } = table(throttling);
  return {
    usage: Number(usage),
    user: user * TICK,
    system: system * TICK,
    each: each?.trim().split(/\s+/).map(Number),
    periods: nr_periods,
    throttledPeriods: nr_throttled,
    throttledTime: throttled_time,
  };
}

async function cpuV2(at: ReadFile): Promise<CpuStats | undefined> {
  const text = await at("cpu.stat");
  if (text === undefined) return undefined;
  const stat = table(text);
  const nanoseconds = (key: string): number => (stat[key] ?? 0) * 1000;
  return {
    usage: nanoseconds("usage_usec"),
    user: nanoseconds("user_usec"),
    system: nanoseconds("system_usec"),
    periods: stat["nr_periods"] ?? 0,
    throttledPeriods: stat["nr_throttled"] ?? 0,
    throttledTime: nanoseconds("throttled_usec"),
  };
}

async function memoryV1(at: ReadFile): Promise<MemoryStats | undefined> {
  const names = ["usage_in_bytes", "max_usage_in_bytes", "limit_in_bytes", "failcnt", "stat", "oom_control"];
  const [usage, peak, limit, failures, stat, oom] = await Promise.all(
    names.map((name) => at(`memory.${name}`)),
  );
  if (usage === undefined) return undefined;
  return {
    usage: Number(usage),
    peak: limitOf(peak),
    limit: limitOf(limit),
    failures: limitOf(failures),
    kills: table(oom)["oom_kill"] ?? 0,
    details: table(stat),
  };
}

async function memoryV2(at: ReadFile): Promise<MemoryStats | undefined> {
  const names = ["current", "peak", "max", "stat", "events"];
  const [usage, peak, limit, stat, events] = await Promise.all(names.map((name) => at(`memory.${name}`)));
  if (usage === undefined) return undefined;
  return {
    usage: Number(usage),
    peak: limitOf(peak),
    limit: limitOf(limit),
    kills: table(events)["oom_kill"] ?? 0,
    details: table(stat),
  };
}

async function pidsOf(at: ReadFile): Promise<CgroupStats["pids"]> {
  const [current, limit] = await Promise.all([at("pids.current"), at("pids.max")]);
  return current === undefined ? undefined : { current: Number(current), limit: limitOf(limit) };
}

async function blockIOV1(at: ReadFile): Promise<CgroupStats["blockIO"]> {
  // BFQ's files count what BFQ scheduled; the throttle's count everything, but only they exist without BFQ.
  const [bytes, operations] = await Promise.all(
    ["io_service_bytes", "io_serviced"].map(async (name) => {
      const bfq = await at(`blkio.bfq.${name}_recursive`);
      return bfq !== undefined && linesV1(bfq).length > 0 ? bfq : at(`blkio.throttle.${name}_recursive`);
    }),
  );
  return bytes === undefined ? undefined : { bytes: linesV1(bytes), operations: linesV1(operations ?? "") };
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
async function blockIOV2(at: ReadFile): Promise<CgroupStats["blockIO"]> {
  const text = await at("io.stat");
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
