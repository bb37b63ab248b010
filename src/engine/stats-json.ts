/**
 * What a container uses as Docker's JSON, made as text: it has numbers that are more than a double holds, and the part about
 * processors is sent twice, now and as the next one's `precpu_stats`.
 * @module
 */
import type { BlockIOStats, CgroupStats } from "../cgroup/mod.ts";
import { NEVER } from "./container.ts";
import type { HostCpu, InterfaceCounters } from "./stats-host.ts";

/** One look at a container. */
export interface StatsSample {
  /** RFC 3339 with nanoseconds; Go's zero time of a container that doesn't run. */
  readonly read: string;
  /** The value of `cpu_stats`. */
  readonly cpu: string;
  /** The other members, from `pids_stats` to `storage_stats`, and from `memory_stats` on. */
  readonly front: string;
  readonly back: string;
}

/** What Docker shows of memory.stat; with version 1 each of the first ones also with `total_`. */
const detailsV1 = [
  "active_anon",
  "active_file",
  "cache",
  "dirty",
  "inactive_anon",
  "inactive_file",
  "mapped_file",
  "pgfault",
  "pgmajfault",
  "pgpgin",
  "pgpgout",
  "rss",
  "rss_huge",
  "unevictable",
  "writeback",
];
const shownV1 = [
  ...detailsV1,
  ...detailsV1.map((key) => `total_${key}`),
  "hierarchical_memory_limit",
  "hierarchical_memsw_limit",
].toSorted();
const shownV2 = [
  "active_anon",
  "active_file",
  "anon",
  "anon_thp",
  "file",
  "file_dirty",
  "file_mapped",
  "file_writeback",
  "inactive_anon",
  "inactive_file",
  "kernel_stack",
  "pgactivate",
  "pgdeactivate",
  "pgfault",
  "pglazyfree",
  "pglazyfreed",
  "pgmajfault",
  "pgrefill",
  "pgscan",
  "pgsteal",
  "shmem",
  "slab",
  "slab_reclaimable",
  "slab_unreclaimable",
  "sock",
  "thp_collapse_alloc",
  "thp_fault_alloc",
  "unevictable",
  "workingset_activate",
  "workingset_nodereclaim",
  "workingset_refault",
];
const detailsOfV1 = detailsOf(shownV1);
const detailsOfV2 = detailsOf(shownV2);
/** What version 2 says where there is no limit of processes. */
const NO_LIMIT = "18446744073709551615";

const otherBlockIO = [
  "io_queue_recursive",
  "io_service_time_recursive",
  "io_wait_time_recursive",
  "io_merged_recursive",
  "io_time_recursive",
  "sectors_recursive",
];

const NO_CPU =
  '{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}}';

/** What there is to say of a container that doesn't run. */
export const emptySample: StatsSample = {
  read: NEVER,
  cpu: NO_CPU,
  front: `"pids_stats":{},"blkio_stats":${blockIOJson(undefined, 2)},"num_procs":0,"storage_stats":{}`,
  back: '"memory_stats":{}',
};

/** Makes samples of one container. What is as it was at the last look is not written anew. */
export class SampleMaker {
  readonly #cpu: (cpu: CgroupStats["cpu"]) => CpuText = kept(cpuText);
  readonly #pids: (pids: CgroupStats["pids"]) => string;
  readonly #blockIO: (blockIO: CgroupStats["blockIO"]) => string;
  readonly #details: (text: string) => string;
  readonly #memory: (memory: CgroupStats["memory"]) => string;
  readonly #networks: (interfaces: ReadonlyMap<string, InterfaceCounters>) => string = kept(networksJson);

  /** `memory` is the host's, in bytes: more than that is no limit. */
  constructor(version: 1 | 2, memory: number) {
    this.#pids = kept((pids) => pidsJson(pids, version));
    this.#blockIO = kept((blockIO) => blockIOJson(blockIO, version));
    this.#details = kept(version === 1 ? detailsOfV1 : detailsOfV2);
    this.#memory = kept((part) => memoryJson(part, this.#details, memory));
  }

  /** What was read at `read`, as JSON. */
  sample(
    read: string,
    stats: CgroupStats,
    host: HostCpu,
    interfaces: ReadonlyMap<string, InterfaceCounters>,
  ): StatsSample {
    const { usage, throttling } = this.#cpu(stats.cpu);
    return {
      read,
      cpu: `${usage}"system_cpu_usage":${host.total},"online_cpus":${host.processors},${throttling}`,
      front: `"pids_stats":${this.#pids(stats.pids)},"blkio_stats":${this.#blockIO(stats.blockIO)},"num_procs":0,"storage_stats":{}`,
      back: `"memory_stats":${this.#memory(stats.memory)}${this.#networks(interfaces)}`,
    };
  }
}

/** `make`, which isn't asked again for what it was asked last. */
function kept<T, R>(make: (from: T) => R): (from: T) => R {
  let last: { readonly from: T; readonly made: R } | undefined;
  return (from) => {
    if (last === undefined || last.from !== from) last = { from, made: make(from) };
    return last.made;
  };
}

/** A line of Docker's stream. Without a `name` it is a look without a history: then Docker doesn't say whose it is. */
export function statsLine(
  sample: StatsSample,
  before: StatsSample | undefined,
  who?: { readonly name: string; readonly id: string },
): string {
  const named = who === undefined ? "" : `"name":${JSON.stringify(`/${who.name}`)},"id":"${who.id}",`;
  return `{${named}"read":"${sample.read}","preread":"${before?.read ?? NEVER}",${sample.front},"cpu_stats":${sample.cpu},"precpu_stats":${before?.cpu ?? NO_CPU},${sample.back}}\n`;
}

/**
 * Makes the members of `stats`. Where a kernel has its lines is found once: this is most of what a look costs.
 */
function detailsOf(shown: readonly string[]): (text: string) => string {
  let places: readonly { readonly front: string; readonly line: number; readonly skip: number }[] = [];
  const find = (lines: readonly string[]): void => {
    const at = new Map(lines.map((line, index) => [line.slice(0, line.indexOf(" ")), index]));
    places = shown.flatMap((key) => {
      const line = at.get(key);
      return line === undefined ? [] : [{ front: `${key} `, line, skip: key.length + 1 }];
    });
  };
  let known = 0;
  return (text) => {
    const lines = text.split("\n");
    // Another number of lines, or others: the cgroup has controllers or children that the last one hadn't.
    const moved = places.some(({ front, line }) => lines[line]?.startsWith(front) !== true);
    if (known !== lines.length || moved) find(lines);
    known = lines.length;
    let json = "";
    for (const { front, line, skip } of places) {
      json += `${json === "" ? "" : ","}"${front.slice(0, -1)}":${(lines[line] ?? "").slice(skip)}`;
    }
    return json;
  };
}

/** What a cgroup says of processors, before and after what there is to say of the host's. */
interface CpuText {
  readonly usage: string;
  readonly throttling: string;
}

function cpuText(cpu: CgroupStats["cpu"]): CpuText {
  const each = cpu?.each === undefined ? "" : `"percpu_usage":[${cpu.each.join(",")}],`;
  return {
    usage: `{"cpu_usage":{"total_usage":${cpu?.usage ?? 0},${each}"usage_in_kernelmode":${cpu?.system ?? 0},"usage_in_usermode":${cpu?.user ?? 0}},`,
    throttling: `"throttling_data":{"periods":${cpu?.periods ?? 0},"throttled_periods":${cpu?.throttledPeriods ?? 0},"throttled_time":${cpu?.throttledTime ?? 0}}}`,
  };
}

function networksJson(interfaces: ReadonlyMap<string, InterfaceCounters>): string {
  return interfaces.size === 0 ? "" : `,"networks":${JSON.stringify(Object.fromEntries(interfaces))}`;
}

function memoryJson(memory: CgroupStats["memory"], details: (text: string) => string, most: number): string {
  if (memory === undefined) return "{}";
  return `{${[
    ...(memory.usage === 0 ? [] : [`"usage":${memory.usage}`]),
    ...((memory.peak ?? 0) === 0 ? [] : [`"max_usage":${memory.peak}`]),
    `"stats":{${details(memory.details)}}`,
    ...(memory.failures === 0 ? [] : [`"failcnt":${memory.failures}`]),
    `"limit":${Math.min(memory.limit ?? most, most)}`,
  ].join(",")}}`;
}

function pidsJson(pids: CgroupStats["pids"], version: 1 | 2): string {
  if (pids === undefined) return "{}";
  const limit = pids.limit ?? (version === 1 ? undefined : NO_LIMIT);
  const current = pids.current === 0 ? [] : [`"current":${pids.current}`];
  return `{${[...current, ...(limit === undefined ? [] : [`"limit":${limit}`])].join(",")}}`;
}

/** Version 2 has no words for most of it, nor for operations. */
function blockIOJson(blockIO: CgroupStats["blockIO"], version: 1 | 2): string {
  const none = version === 2 || blockIO === undefined ? "null" : "[]";
  const list = (entries: readonly BlockIOStats[] | undefined): string =>
    entries === undefined || entries.length === 0
      ? none
      : `[${entries.map(({ major, minor, operation, value }) => `{"major":${major},"minor":${minor},"op":"${operation}","value":${value}}`).join(",")}]`;
  const others = otherBlockIO.map((name) => `,"${name}":${none}`).join("");
  const operations = version === 2 ? undefined : blockIO?.operations;
  return `{"io_service_bytes_recursive":${list(blockIO?.bytes)},"io_serviced_recursive":${list(operations)}${others}}`;
}
