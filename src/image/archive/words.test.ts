import { expect, test } from "bun:test";
import { expandWord, splitWords } from "./words.ts";

const variables = (name: string): string | undefined => ({ A: "1", EMPTY: "" })[name];

test.each<[string, string[]]>([
  ["a  b\tc", ["a", "b", "c"]],
  ['a="b c" d', ['a="b c"', "d"]],
  ["a='b \"c' d", ["a='b \"c'", "d"]],
  ["a\\ b c", ["a\\ b", "c"]],
  ["", []],
  ["a\\", ["a\\"]],
])("%j is split", (text, words) => {
  expect(splitWords(text)).toEqual(words);
});

test.each([
  ["$A${A}", "11"],
  ["$B", ""],
  ["'$A'", "$A"],
  ['"$A \\$A \\x"', "1 $A \\x"],
  ["a\\ b", "a b"],
  ["${EMPTY:-x}${EMPTY-y}${B-z}${A:+p}${EMPTY:+q}${EMPTY+r}", "xzpr"],
  ["${B:-$A}", "1"],
  ["5$", "5$"],
])("%s is expanded", (word, result) => {
  expect(expandWord(word, variables)).toBe(result);
});

test.each(["'a", '"a', "${A", "${A:?x}", "${}"])("%s is refused", (word) => {
  expect(() => expandWord(word, variables)).toThrow("failed to process");
});
