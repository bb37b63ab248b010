import { expect, test } from "bun:test";
import { discardLimits } from "./discarded-limits.ts";
import { completeHostConfig } from "./host-config.ts";
import { defaults } from "./testing.ts";

const host = completeHostConfig(
  { HostConfig: { Memory: 8 << 20, BlkioWeight: 500, CpuShares: 5, PidsLimit: 9 } },
  defaults,
);

test("what the kernel has is left as it is", () => {
  const warnings: string[] = [];
  expect(discardLimits(host, defaults.limits, warnings)).toBe(host);
  expect(warnings).toEqual([]);
});

test("what it lacks is left out and warned of, in Docker's words", () => {
  const warnings: string[] = [];
  const features = { ...defaults.limits, blockIOWeight: false, memoryLimit: false, swapLimit: false };
  const result = discardLimits(host, features, warnings);
  expect(result).toMatchObject({ BlkioWeight: 0, Memory: 0, MemorySwap: -1, CpuShares: 5, PidsLimit: 9 });
  expect(warnings).toEqual([
    "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  ]);
});

test("nobody is warned of what wasn't asked for", () => {
  const warnings: string[] = [];
  const none = Object.fromEntries(Object.keys(defaults.limits).map((name) => [name, false]));
  discardLimits(completeHostConfig({}, defaults), none as unknown as typeof defaults.limits, warnings);
  expect(warnings).toEqual([]);
});

test("a percentage of processors is Windows', in Docker's words", () => {
  const warnings: string[] = [];
  const asked = completeHostConfig({ HostConfig: { CpuPercent: 50, KernelMemoryTCP: 1 << 20 } }, defaults);
  expect(discardLimits(asked, defaults.limits, warnings)).toMatchObject({
    CpuPercent: 0,
    KernelMemoryTCP: 1 << 20,
  });
  expect(warnings).toEqual(["linux does not support CPU percent. Percent discarded."]);
});
