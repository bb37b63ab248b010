import { expect, test } from "bun:test";
import { parseBool, parseBytes, parseDuration, parsePattern, parseUrl, splitHostPort } from "./values.ts";

test.each([
  ["10", 10],
  ["10b", 10],
  ["1.5k", 1500],
  ["1 kB", 1000],
  ["2MiB", 2_000_000],
  ["3g", 3e9],
])("%p bytes", (text, bytes) => {
  expect(parseBytes(text, 1000)).toBe(bytes);
});

test("sizes of memory are powers of 1024; what is none says why", () => {
  expect(parseBytes("1m", 1024)).toBe(1 << 20);
  expect(() => parseBytes("x", 1024)).toThrow("invalid size: 'x'");
  expect(() => parseBytes("1x", 1024)).toThrow("invalid suffix: 'x'");
  expect(() => parseBytes("1kib2", 1024)).toThrow("strconv.ParseFloat");
});

test.each([
  ["0", 0],
  ["1s", 1000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["-2s", -2000],
])("%p is %p ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each([
  ["", 'time: invalid duration ""'],
  ["x", 'time: invalid duration "x"'],
  ["1", 'time: missing unit in duration "1"'],
  ["1y", 'time: unknown unit "y" in duration "1y"'],
])("%p is no duration", (text, message) => {
  expect(() => parseDuration(text)).toThrow(message);
});

test("truth as Go has it", () => {
  expect(["1", "t", "TRUE", "0", "f", "False"].map(parseBool)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(() => parseBool("yes")).toThrow('strconv.ParseBool: parsing "yes": invalid syntax');
});

test("patterns", () => {
  expect(parsePattern("")("x")).toBe(false);
  expect(parsePattern("^a")("ab")).toBe(true);
});

test("addresses", () => {
  expect(parseUrl("TCP://h:1/p?q")).toEqual({ scheme: "tcp", host: "h:1", path: "/p" });
  expect(parseUrl("unix:///a/b")).toEqual({ scheme: "unix", host: "", path: "/a/b" });
  expect(parseUrl("tcp+tls://[::1]:6514").host).toBe("[::1]:6514");
  expect(() => parseUrl("h:1")).not.toThrow();
  expect(() => parseUrl("1.2.3.4:5")).toThrow("first path segment in URL cannot contain colon");
  expect(() => parseUrl("tcp://h:x")).toThrow('invalid port ":x" after host');
  expect(splitHostPort("[::1]:514")).toEqual({ host: "::1", port: "514" });
  expect(splitHostPort("h")).toEqual({ host: "h" });
  expect(() => splitHostPort("::1")).toThrow("too many colons");
});
