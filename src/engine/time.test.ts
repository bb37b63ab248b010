import { afterEach, expect, setSystemTime, test } from "bun:test";
import { formatTime, now, parseTime, goDuration } from "./time.ts";

test("times are written as Go writes RFC3339Nano", () => {
  expect(formatTime(1_700_000_000_000_000_000n)).toBe("2023-11-14T22:13:20Z");
  expect(formatTime(1_700_000_000_120_000_000n)).toBe("2023-11-14T22:13:20.12Z");
  expect(formatTime(1_700_000_000_000_000_001n)).toBe("2023-11-14T22:13:20.000000001Z");
});

test("times are read with nanoseconds and zones; Go's zero time is 0", () => {
  expect(parseTime("2023-11-14T22:13:20.12Z")).toBe(1_700_000_000_120_000_000n);
  expect(parseTime("2023-11-14T23:13:20+01:00")).toBe(1_700_000_000_000_000_000n);
  expect(parseTime("0001-01-01T00:00:00Z")).toBe(0n);
  expect(parseTime("yesterday")).toBe(0n);
});

test("now is the wall clock's time and doesn't stand still", () => {
  const first = now();
  expect(Math.abs(Number(first / 1_000_000n) - Date.now())).toBeLessThan(50);
  expect(now()).toBeGreaterThan(first);
});

afterEach(() => setSystemTime());

test.each([3_600_000, -3_600_000, 365 * 86_400_000])(
  "it follows a clock that is set by %d ms, and stays as fine",
  (jump) => {
    now();
    setSystemTime(new Date(Date.now() + jump));
    const times = Array.from({ length: 100 }, () => now());
    expect(Math.abs(Number((times[0] ?? 0n) / 1_000_000n) - Date.now())).toBeLessThan(1000);
    expect(new Set(times).size).toBe(100);
  },
);

test.each([
  [0, "0s"],
  [1, "1ns"],
  [1500, "1.5µs"],
  [250e6, "250ms"],
  [1e9, "1s"],
  [1.5e9, "1.5s"],
  [90e9, "1m30s"],
  [3600e9, "1h0m0s"],
  [-2e9, "-2s"],
])("%d ns is %s", (nanoseconds, text) => expect(goDuration(nanoseconds)).toBe(text));
