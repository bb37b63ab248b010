import { expect, test } from "bun:test";
import { rejection } from "../image/registry/fake-registry.ts";
import { shellPattern } from "./images-match.ts";

test("patterns match as Go's path.Match does", () => {
  const cases: [string, string, boolean][] = [
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*", "", true],
    ["*c", "abc", true],
    ["a*", "a", true],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["a*b*c*d*e*/f", "axbxcxdxexxx/f", true],
    ["a*b*c*d*e*/f", "axbxcxdxexxx/fff", false],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["a*b?c*x", "abxbbxdbxebxczzy", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["a?b", "a/b", false],
    ["a*b", "a/b", false],
    ["[\\]a]", "]", true],
    ["[\\-x]", "-", true],
    ["[x\\-]", "z", false],
    ["*x", "xxx", true],
    ["**x", "axx", true],
  ];
  for (const [pattern, text, expected] of cases)
    expect([pattern, text, shellPattern(pattern)(text)]).toEqual([pattern, text, expected]);
});

test("what Go refuses is refused", async () => {
  for (const pattern of ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a["])
    expect(await rejection(Promise.resolve().then(() => shellPattern(pattern)))).toBe(
      "syntax error in pattern",
    );
});

test("a hostile pattern takes no time", () => {
  const started = performance.now();
  expect(shellPattern(`${"a*".repeat(200)}b`)("a".repeat(20_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});
