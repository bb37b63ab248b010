import { expect, test } from "bun:test";
import { baseName, keepEnding, meansContent, splitPath } from "./resource-names.ts";

test.each([
  ["/etc", "/etc", "/etc"],
  ["/etc", "/etc/", "/etc/"],
  ["/etc", "etc/.", "/etc/."],
  ["/", ".", "/."],
  ["/", "/", "/"],
  ["/", "/.", "/."],
  ["/a.", "a.", "/a."],
])("%p keeps the ending of %p: %p", (cleaned, original, expected) => {
  expect(keepEnding(cleaned, original)).toBe(expected);
});

test.each([
  ["/", "/"],
  ["/etc", "etc"],
  ["/etc/", "etc"],
  ["/etc/.", "."],
  ["", "."],
  ["a", "a"],
])("%p is called %p", (path, expected) => {
  expect(baseName(path)).toBe(expected);
});

test("what means a directory's content", () => {
  expect([".", "a/.", "/."].map(meansContent)).toEqual([true, true, true]);
  expect(["a", "a.", "a/..", ".a", "/"].map(meansContent)).toEqual([false, false, false, false, false]);
});

test("a path is split at its last slash", () => {
  expect(splitPath("/a/b")).toEqual({ directory: "/a/", base: "b" });
  expect(splitPath("/b")).toEqual({ directory: "/", base: "b" });
});
