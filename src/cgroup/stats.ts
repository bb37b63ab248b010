/**
 * What a container uses, from its cgroup's files, in the units of Docker's API: nanoseconds and bytes.
 * Files: the kernel's admin-guide/cgroup-v1 and cgroup-v2.
 * @module
 */
import type { KernelFile } from "./kernel-files.ts";
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

/** Finds a file, which is read when it is wanted. */
export type FindFile = (path: string) => KernelFile;

/** Version 1 counts the time of `cpuacct.stat` in ticks of 10 ms (USER_HZ is 100 wherever Linux runs). */
const TICK = 10_000_000;
/** Version 1 has no word for "no limit": a number near the largest of 64 bits with a sign. */
const UNLIMITED = 2 ** 62;

/** Says what a file says now; undefined if there is no such file. */
type Source = () => string | undefined;
/** A file below a directory. */
type At = (file: string) => KernelFile;

const absent: KernelFile = { read: () => undefined, readRarely: () => undefined };

/** So many times what took no processor time since the last look isn't looked at further. */
const restsFor = 4;

/**
 * Reads what a cgroup uses, again and again. Its files are the kernel's memory: reading them waits for nothing. What changes
 * when somebody changes a limit may be what it was a few readings ago; so may all but the processors' time of a cgroup
 * whose processes did nothing meanwhile: what the kernel alone does with its memory shows a little later. A part of which
 * no file says anything else is the same object as the last time.
 */
export class StatsReader {
  readonly #parts: {
    readonly [part in keyof CgroupStats]-?: () => CgroupStats[part];
  };
  #last: CgroupStats = {};
  #left = 0;

  constructor(cgroup: Cgroup, find: FindFile) {
    const [first] = cgroup.directories;
    if (first?.hierarchy.version === 2) {
      const at: At = (file) => find(`${first.path}/${file}`);
      this.#parts = { cpu: cpuV2(at), memory: memoryV2(at), pids: pidsOf(at), blockIO: blockIOV2(at) };
      return;
    }
    const below = (controller: string): At => {
      const directory = directoryOf(cgroup, controller);
      return directory === undefined ? () => absent : (file) => find(`${directory}/${file}`);
    };
    this.#parts = {
      cpu: cpuV1(below("cpu"), below("cpuacct")),
      memory: memoryV1(below("memory")),
      pids: pidsOf(below("pids")),
      blockIO: blockIOV1(below("blkio")),
    };
  }

  read(): CgroupStats {
    const cpu = this.#parts.cpu();
    if (cpu !== undefined && cpu === this.#last.cpu && this.#left-- > 0) return this.#last;
    const { memory, pids, blockIO } = this.#parts;
    this.#last = { cpu, memory: memory(), pids: pids(), blockIO: blockIO() };
    this.#left = restsFor;
    return this.#last;
  }
}

/** What `make` makes of the texts of `sources`, made anew when one of them says something else. */
function made<T>(sources: readonly Source[], make: (...texts: (string | undefined)[]) => T): () => T {
  const texts: (string | undefined)[] = sources.map(() => undefined);
  let value: T = make(...texts);
  return () => {
    let changed = false;
    for (let i = 0; i < sources.length; i++) {
      const text = sources[i]?.();
      if (text === texts[i]) continue;
      texts[i] = text;
      changed = true;
    }
    if (changed) value = make(...texts);
    return value;
  };
}

const now =
  (file: KernelFile): Source =>
  () =>
    file.read();
const rarely =
  (file: KernelFile): Source =>
  () =>
    file.readRarely();

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

function cpuV1(cpu: At, account: At): () => CpuStats | undefined {
  const quota = cpu("cpu.cfs_quota_us");
  const periods = cpu("cpu.stat");
  // Without a quota there are no periods to count.
  const throttling: Source = () => (Number(quota.readRarely() ?? -1) > 0 ? periods.read() : undefined);
  const sources = [now(account("cpuacct.usage_percpu")), now(account("cpuacct.stat")), throttling];
  return made(sources, (usage, times, throttled) => {
    const each = usage?.trim().split(" ").map(Number);
    if (each === undefined) return undefined;
    return {
      // cpuacct.usage is the same sum.
      usage: each.reduce((sum, one) => sum + one, 0),
      user: valueOf(times, "user") * TICK,
      system: valueOf(times, "system") * TICK,
      each,
      periods: valueOf(throttled, "nr_periods"),
      throttledPeriods: valueOf(throttled, "nr_throttled"),
      throttledTime: valueOf(throttled, "throttled_time"),
    };
  });
}

function cpuV2(at: At): () => CpuStats | undefined {
  return made([now(at("cpu.stat"))], (stat) => {
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
  });
}

function memoryV1(at: At): () => MemoryStats | undefined {
  const sources = [
    now(at("memory.usage_in_bytes")),
    now(at("memory.max_usage_in_bytes")),
    rarely(at("memory.limit_in_bytes")),
    rarely(at("memory.failcnt")),
    now(at("memory.stat")),
  ];
  return made(sources, (usage, peak, limit, failures, details) =>
    usage === undefined
      ? undefined
      : {
          usage: Number(usage),
          peak: limitOf(peak),
          limit: limitOf(limit),
          failures: Number(failures ?? 0),
          details: details ?? "",
        },
  );
}

function memoryV2(at: At): () => MemoryStats | undefined {
  const sources = [
    now(at("memory.current")),
    rarely(at("memory.max")),
    rarely(at("memory.events")),
    now(at("memory.stat")),
  ];
  return made(sources, (usage, limit, events, details) =>
    usage === undefined
      ? undefined
      : {
          usage: Number(usage),
          limit: limitOf(limit),
          failures: valueOf(events, "oom"),
          details: details ?? "",
        },
  );
}

function pidsOf(at: At): () => CgroupStats["pids"] {
  return made([now(at("pids.current")), rarely(at("pids.max"))], (current, limit) =>
    current === undefined ? undefined : { current: Number(current), limit: limitOf(limit) },
  );
}

function blockIOV1(at: At): () => CgroupStats["blockIO"] {
  // BFQ's files count what BFQ scheduled; the throttle's count everything, but only they exist without BFQ.
  const one = (name: string): Source => {
    const scheduled = at(`blkio.bfq.${name}_recursive`);
    const throttled = at(`blkio.throttle.${name}_recursive`);
    return () => (scheduled.readRarely()?.includes(":") === true ? scheduled.read() : throttled.read());
  };
  const bytes = one("io_service_bytes");
  const operations = one("io_serviced");
  let some = false;
  const sources: Source[] = [
    () => {
      const text = bytes();
      some = text?.includes(":") === true;
      return text;
    },
    // Most containers never touch a device: then the other file has nothing either.
    () => (some ? operations() : ""),
  ];
  return made(sources, (moved, counted) =>
    moved === undefined ? undefined : { bytes: linesV1(moved), operations: linesV1(counted ?? "") },
  );
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
function blockIOV2(at: At): () => CgroupStats["blockIO"] {
  return made([now(at("io.stat"))], (text) => {
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
  });
}
