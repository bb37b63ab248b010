import { expect, test } from "bun:test";
import { maskedPaths, readonlyPaths } from "./paths.ts";

test("the lists hold what the security corpus looks for", () => {
  expect(maskedPaths()).toContain("/proc/interrupts");
  expect(maskedPaths()).toContain("/sys/devices/virtual/powercap");
  expect(maskedPaths().length).toBe(12);
  expect(readonlyPaths).toContain("/proc/sysrq-trigger");
});

test("each processor's throttling counters are masked", () => {
  expect(maskedPaths([0, 3]).slice(12)).toEqual([
    "/sys/devices/system/cpu/cpu0/thermal_throttle",
    "/sys/devices/system/cpu/cpu3/thermal_throttle",
  ]);
});

test("no path is given twice or contains another", () => {
  const all = [...maskedPaths([0]), ...readonlyPaths];
  for (const path of all)
    expect(all.filter((other) => other === path || other.startsWith(`${path}/`))).toEqual([path]);
});
