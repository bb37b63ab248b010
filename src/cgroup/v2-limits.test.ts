import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { detectCgroups } from "./detect.ts";
import { unified } from "./fake-host.ts";
import { locateCgroup } from "./location.ts";
import type { LiveResources } from "./types.ts";
import { writeLimitsV2 } from "./v2-limits.ts";

function written(resources: LiveResources): string {
  const b = new ProgramBuilder();
  writeLimitsV2(b, locateCgroup(detectCgroups(unified), "/docker/c1"), b.slot("cgroup"), resources);
  return printProgram(b.build());
}

test.each([
  [{ memory: { swappiness: 10 } }, "cannot set swappiness: cgroup v2 has no such limit"],
  [{ memory: { kernelTCP: 1 } }, "cannot set limit of TCP buffers: cgroup v2 has no such limit"],
  [{ memory: { disableOOMKiller: true } }, "cannot set OOM killer off: cgroup v2 has no such limit"],
  [{ cpu: { realtimePeriod: 1 } }, "cannot set CPU real-time limits: cgroup v2 has no such limit"],
  [{ network: { classID: 1 } }, "cannot set network class or priorities: cgroup v2 has no such limit"],
  [{ unified: { "../x": "1" } }, 'unified resource "../x" must be a file name (no slashes)'],
  [{ unified: { "..": "1" } }, 'unified resource ".." must be a file name (no slashes)'],
] as [LiveResources, string][])("%j is refused before anything runs", (resources, text) => {
  expect(() => written(resources)).toThrow(text);
});

test("what says nothing writes nothing", () => {
  const nothing = written({});
  expect(
    written({ memory: {}, cpu: {}, blockIO: {}, network: {}, hugepageLimits: [], rdma: {}, unified: {} }),
  ).toBe(nothing);
  expect(written({ memory: { disableOOMKiller: false } })).toBe(nothing);
});

test("swap is forbidden or allowed before the memory gets its limit; an idle cgroup gets no weight", () => {
  const memory = written({ memory: { limit: 1000, swap: 1000 } });
  expect(memory.indexOf("memory.swap.max")).toBeLessThan(memory.indexOf("memory.max"));
  expect(memory).toContain("ENOENT");
  const idle = written({ cpu: { idle: 1, shares: 512 } });
  expect([idle.includes("cpu.idle"), idle.includes("cpu.weight")]).toEqual([true, false]);
});

test("a quota alone keeps the period that the kernel has; none is max", () => {
  expect(written({ cpu: { quota: 5000 } })).toContain('"5000"');
  expect(written({ cpu: { quota: -1, period: 10_000 } })).toContain('"max 10000"');
  expect(written({ cpu: { period: 10_000 } })).toContain('"max 10000"');
});

test("each line of a file of its own is a write", () => {
  const text = written({ unified: { "io.max": "8:0 rbps=1\n8:16 rbps=2" } });
  expect(text.split("unified resource io.max").length - 1).toBeGreaterThanOrEqual(2);
});
