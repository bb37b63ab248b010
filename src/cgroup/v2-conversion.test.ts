import { expect, test } from "bun:test";
import { cpuWeight, ioWeight, swapMax } from "./v2-conversion.ts";

// The corners are those of runc's test of ConvertCPUSharesToCgroupV2Value.
test.each([
  [0, 1],
  [2, 1],
  [3, 2],
  [10, 4],
  [100, 17],
  [512, 59],
  [1024, 100],
  [2048, 174],
  [262_143, 10_000],
  [262_144, 10_000],
  [1_000_000, 10_000],
])("%d CPU shares are a weight of %d", (shares, weight) => {
  expect(cpuWeight(shares)).toBe(weight);
});

test.each([
  [10, 1],
  [300, 2930],
  [1000, 10_000],
])("a block IO weight of %d is one of %d", (weight, converted) => {
  expect(ioWeight(weight)).toBe(converted);
});

test("swap is what memory and swap have together, without the memory", () => {
  expect(swapMax({ limit: 100, swap: 300 })).toBe(200);
  expect(swapMax({ limit: 100 })).toBeUndefined();
  expect(swapMax({ limit: 100, swap: -1 })).toBe(-1);
  expect(swapMax({ limit: -1 })).toBe(-1);
});
