import { expect, test } from "bun:test";
import { toTimestamp } from "./timestamps.ts";

const now = Date.UTC(2026, 0, 1) + 5;

test.each([
  ["42m", "1767223080.005000000"],
  ["1h30m", "1767220200.005000000"],
  ["2026-01-01T00:00:00Z", "1767225600.000000000"],
  ["2026-01-01T00:00:00.5Z", "1767225600.500000000"],
  ["2026-01-01T01:00:00+01:00", "1767225600.000000000"],
  ["2026-01-01T00:00Z", "1767225600.000000000"],
  ["1136073600.000000001", "1136073600.000000001"],
  ["1136073600", "1136073600"],
])("%p", (value, expected) => {
  expect(toTimestamp(value, "", now)).toBe(expected);
});

test("anything else is refused", () => {
  expect(() => toTimestamp("foo", 'invalid value for "since": ')).toThrow(
    'invalid value for "since": failed to parse value as time or duration: "foo"',
  );
});
