import { expect, test } from "bun:test";
import { printValue, sprintf } from "./print.ts";

test.each([
  ["%s|%5s|%-5s|", ["a", "b", "c"], "a|    b|c    |"],
  ["%d %05d %+d", [3, 42, 7], "3 00042 +7"],
  ["%q %v %t", ['a"b', [1, 2], true], '"a\\"b" [1 2] true'],
  ["%.2f %x %X %o %b", [1.005, 255, 255, 8, 5], "1.00 ff FF 10 101"],
  ["%%", [], "%"],
  ["%*d", [4, 7], "   7"],
  ["%s", [], "%!s(MISSING)"],
  ["%d", ["x"], "%!d(string=x)"],
  ["x", [1], "x%!(EXTRA int=1)"],
  ["%T", ["x"], "string"],
  ["%.2s", ["abc"], "ab"],
])("%p", (format, values, text) => {
  expect(sprintf(format, values)).toBe(text);
});

test("values", () => {
  expect(printValue({ b: [1, null], a: "x" })).toBe("map[a:x b:[1 <nil>]]");
  expect(printValue(undefined)).toBe("<no value>");
  expect(printValue(1e15)).toBe("1000000000000000");
  expect(printValue(1.5)).toBe("1.5");
});
