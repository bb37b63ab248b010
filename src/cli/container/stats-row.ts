/**
 * What a container uses, worked out from the engine's counters as docker does.
 * @module
 */
import type { ContainerNetworkStats, ContainerStatsResponse } from "@docker/node-sdk";
import { shortId } from "../list-format.ts";
import { Row } from "../../template/mod.ts";
import { bytesSize, humanSize } from "../units.ts";

/** The columns' heads. */
export const statsHeaders: Readonly<Record<string, string>> = {
  Container: "CONTAINER",
  Name: "NAME",
  ID: "CONTAINER ID",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
};

/** A container in the list: what it was called by, and what is known of it. */
export interface Seen {
  readonly called: string;
  /** undefined: nothing came lately. */
  readonly stats?: ContainerStatsResponse;
  /** Kept when nothing comes any more. */
  readonly name: string;
  readonly id: string;
}

/** A line of the list; `--` where nothing is known. */
export function statsRow({ called, stats, name, id }: Seen, short: boolean): Row {
  const known =
    (text: (stats: ContainerStatsResponse) => string, unknown = "--") =>
    (): string =>
      stats === undefined ? unknown : text(stats);
  return new Row("*container.statsContext", {
    Container: () => called,
    Name: () => (name.length > 1 ? name.slice(1) : "--"),
    ID: () => (short ? shortId(id) : id),
    CPUPerc: known((s) => percent(cpuPercent(s))),
    MemUsage: known(
      (s) => `${bytesSize(memoryUsed(s))} / ${bytesSize(s.memory_stats?.limit ?? 0)}`,
      "-- / --",
    ),
    MemPerc: known((s) => percent(memoryPercent(s))),
    NetIO: known((s) => both(networkBytes(s))),
    BlockIO: known((s) => both(blockBytes(s))),
    PIDs: known((s) => String(s.pids_stats?.current ?? 0)),
  });
}

function percent(value: number): string {
  return `${value.toFixed(2)}%`;
}

function both([first, second]: readonly [number, number]): string {
  return `${humanSize(first, 3)} / ${humanSize(second, 3)}`;
}

/** Its part of the time that all processors had since the look before, with 100 for one of them. */
export function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStatsResponse): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  if (used <= 0 || passed <= 0) return 0;
  return (used / passed) * ((now?.online_cpus ?? 0) || (now?.cpu_usage?.percpu_usage?.length ?? 0)) * 100;
}

/** Without what the kernel would give up at once: files that nobody read lately. */
export function memoryUsed({ memory_stats: memory }: ContainerStatsResponse): number {
  const usage = memory?.usage ?? 0;
  const stats = (memory?.stats ?? {}) as Readonly<Record<string, number>>;
  const cached = stats["total_inactive_file"] ?? stats["inactive_file"] ?? 0;
  return cached < usage ? usage - cached : usage;
}

function memoryPercent(stats: ContainerStatsResponse): number {
  const limit = stats.memory_stats?.limit ?? 0;
  return limit === 0 ? 0 : (memoryUsed(stats) / limit) * 100;
}

function networkBytes({ networks }: ContainerStatsResponse): [number, number] {
  let [received, sent] = [0, 0];
  for (const each of Object.values((networks ?? {}) as Readonly<Record<string, ContainerNetworkStats>>)) {
    received += each.rx_bytes ?? 0;
    sent += each.tx_bytes ?? 0;
  }
  return [received, sent];
}

function blockBytes({ blkio_stats: blocks }: ContainerStatsResponse): [number, number] {
  let [read, written] = [0, 0];
  for (const { op = "", value = 0 } of blocks?.io_service_bytes_recursive ?? []) {
    if (/^r/i.test(op)) read += value;
    else if (/^w/i.test(op)) written += value;
  }
  return [read, written];
}
