import { expect, test } from "bun:test";
import type { ContainerStatsResponse } from "@docker/node-sdk";
import { cpuPercent, memoryUsed, statsRow } from "./stats-row.ts";

const stats = {
  cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 4 },
  precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
  memory_stats: { usage: 3 << 20, limit: 8 << 20, stats: { inactive_file: 1 << 20 } },
  networks: { eth0: { rx_bytes: 1000, tx_bytes: 1 }, eth1: { rx_bytes: 500, tx_bytes: 2 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: "read", value: 1000 },
      { op: "Write", value: 2_000_000 },
      { op: "Sync", value: 5 },
      { op: "Read", value: 500 },
    ],
  },
  pids_stats: { current: 7 },
} as unknown as ContainerStatsResponse;
const id = "0123456789abcdef".repeat(4);

test("a line as docker works it out", () => {
  const row = statsRow({ called: "web", stats, name: "/web", id }, true);
  expect(row.toJSON()).toEqual({
    Container: "web",
    Name: "web",
    ID: id.slice(0, 12),
    CPUPerc: "80.00%",
    MemUsage: "2MiB / 8MiB",
    MemPerc: "25.00%",
    NetIO: "1.5kB / 3B",
    BlockIO: "1.5kB / 2MB",
    PIDs: "7",
  });
});

test("where nothing is known there are dashes", () => {
  expect(statsRow({ called: "web", name: "", id }, false).toJSON()).toEqual({
    Container: "web",
    Name: "--",
    ID: id,
    CPUPerc: "--",
    MemUsage: "-- / --",
    MemPerc: "--",
    NetIO: "--",
    BlockIO: "--",
    PIDs: "--",
  });
});

test("no time that passed, and a clock that went back, is no use of processors", () => {
  const cpu = (now: object, before: object): number =>
    cpuPercent({ cpu_stats: now, precpu_stats: before } as ContainerStatsResponse);
  expect(cpu({}, {})).toBe(0);
  const used = { cpu_usage: { total_usage: 2 }, system_cpu_usage: 5, online_cpus: 1 };
  expect(cpu(used, used)).toBe(0);
  expect(cpu(used, { cpu_usage: { total_usage: 3 }, system_cpu_usage: 1 })).toBe(0);
  // Old engines say how many there are by a list.
  const each = { cpu_usage: { total_usage: 2, percpu_usage: [1, 1] }, system_cpu_usage: 4 };
  expect(cpu(each, {})).toBe(100);
});

test("memory: version 1 counts the whole tree's cache; more cache than memory is none", () => {
  const used = (memory: object): number => memoryUsed({ memory_stats: memory } as ContainerStatsResponse);
  expect(used({ usage: 10, stats: { total_inactive_file: 4, inactive_file: 9 } })).toBe(6);
  expect(used({ usage: 10, stats: { inactive_file: 9 } })).toBe(1);
  expect(used({ usage: 10, stats: { inactive_file: 11 } })).toBe(10);
  expect(used({ usage: 10 })).toBe(10);
  expect(used({})).toBe(0);
});
