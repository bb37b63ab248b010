import { expect, test } from "bun:test";
import { unitProperties } from "./systemd-properties.ts";
import type { Resources } from "./types.ts";

function properties(resources: Resources): Record<string, unknown> {
  return Object.fromEntries(
    unitProperties(resources).map(([name, { signature, value }]) => {
      const shown = value instanceof Uint8Array ? [...value] : value;
      return [name, [signature, shown]];
    }),
  );
}

const infinity = 18_446_744_073_709_551_615n;

test("memory, processes and weights; -1 is infinity", () => {
  expect(properties({ memory: { limit: 1000, reservation: 500, swap: 1500 }, pids: { limit: 7 } })).toEqual({
    MemoryMax: ["t", 1000n],
    MemoryLow: ["t", 500n],
    // Of version 2 swap is counted without the memory.
    MemorySwapMax: ["t", 500n],
    TasksMax: ["t", 7n],
  });
  expect(properties({ memory: { limit: -1 }, pids: { limit: -1 } })).toMatchObject({
    MemoryMax: ["t", infinity],
    TasksMax: ["t", infinity],
  });
  expect(properties({})).toEqual({});
});

test("an idle cgroup has the weight 0, whatever its shares", () => {
  expect(properties({ cpu: { shares: 1024, idle: 1 } })).toEqual({ CPUWeight: ["t", 0n] });
  expect(properties({ cpu: { shares: 2, idle: 0 } })).toEqual({ CPUWeight: ["t", 1n] });
  expect(properties({ cpu: { shares: 262_144 } })).toEqual({ CPUWeight: ["t", 10_000n] });
});

test("a quota is microseconds of each second, rounded up to hundredths of a processor as runc does", () => {
  const quota = (quota: number, period?: number): unknown =>
    properties({ cpu: { quota, ...(period === undefined ? {} : { period }) } })["CPUQuotaPerSecUSec"];
  expect(quota(50_000)).toEqual(["t", 500_000n]);
  expect(quota(50_000, 200_000)).toEqual(["t", 250_000n]);
  expect(quota(33_333)).toEqual(["t", 340_000n]);
  expect(quota(-1)).toEqual(["t", infinity]);
  expect(properties({ cpu: { quota: 1000, period: 50_000 } })["CPUQuotaPeriodUSec"]).toEqual(["t", 50_000n]);
});

test("sets of processors are bits, the lowest first", () => {
  expect(properties({ cpu: { cpus: "0-3,7,9", mems: "0" } })).toEqual({
    AllowedCPUs: ["ay", [0b1000_1111, 0b10]],
    AllowedMemoryNodes: ["ay", [1]],
  });
  expect(properties({ cpu: { cpus: "17" } })).toEqual({ AllowedCPUs: ["ay", [0, 0, 2]] });
});
