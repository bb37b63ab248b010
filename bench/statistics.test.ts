import { describe, expect, test } from "bun:test";
import { bytes, duration, summarize } from "./statistics.ts";

describe("summarize", () => {
  test("takes median and percentiles of unsorted samples", () => {
    const samples = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5, 11];
    expect(summarize(samples)).toEqual({ count: 11, median: 6, p10: 2, p90: 10 });
    expect(samples[0]).toBe(10);
  });

  test("knows a single sample, and none", () => {
    expect(summarize([4])).toEqual({ count: 1, median: 4, p10: 4, p90: 4 });
    expect(summarize([]).median).toBeNaN();
  });
});

test("duration chooses its unit", () => {
  expect([870, 4213, 375_400, 12_400_000].map(duration)).toEqual(["870 µs", "4.21 ms", "375 ms", "12.4 s"]);
});

test("bytes chooses its unit", () => {
  expect([24 << 10, 61.25 * (1 << 20), 1 << 30].map(bytes)).toEqual(["24 KiB", "61.3 MiB", "1024 MiB"]);
});
