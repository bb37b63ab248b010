import { expect, test } from "bun:test";
import { checkValue, parseBytes, parseDuration, parseNanoCpus } from "./flag-values.ts";

test.each([
  ["512", 512],
  ["64m", 64 * 1024 ** 2],
  ["1.5 GiB", 1.5 * 1024 ** 3],
  ["2kb", 2048],
  ["10B", 10],
  ["0", 0],
])("%p is a size", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each(["x", "", "-1", "1x", "1 mm", "m"])("%p is no size", (text) => {
  expect(() => parseBytes(text)).toThrow(`invalid size: '${text}'`);
});

test.each([
  ["1h30m", 5400e9],
  ["1.5s", 1.5e9],
  ["-2ms", -2e6],
  ["100us", 1e5],
  ["0", 0],
  [".5s", 5e8],
])("%p is a duration", (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds);
});

test.each([
  ["5", 'time: missing unit in duration "5"'],
  ["", 'time: invalid duration ""'],
  ["5y", 'time: unknown unit "y" in duration "5y"'],
  ["s", 'time: invalid duration "s"'],
  // A name that every object has is no unit.
  ["5constructor", 'time: unknown unit "constructor" in duration "5constructor"'],
])("%p is no duration", (text, message) => {
  expect(() => parseDuration(text)).toThrow(message);
});

test("CPUs are counted in billionths", () => {
  expect(parseNanoCpus("1.5")).toBe(1.5e9);
  expect(parseNanoCpus("1/2")).toBe(5e8);
  expect(() => parseNanoCpus("x")).toThrow("failed to parse x as a rational number");
  expect(() => parseNanoCpus("0.0000000001")).toThrow("value is too precise");
});

test("integers are read with Go's prefixes and bounds", () => {
  expect(() => checkValue("int", "0x1f")).not.toThrow();
  expect(() => checkValue("int", "-12")).not.toThrow();
  expect(() => checkValue("int", "1.5")).toThrow('strconv.ParseInt: parsing "1.5": invalid syntax');
  expect(() => checkValue("uint16", "70000")).toThrow(
    'strconv.ParseUint: parsing "70000": value out of range',
  );
});
