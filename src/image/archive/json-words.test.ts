import { expect, test } from "bun:test";
import { jsonWords } from "./json-words.ts";

test("a list of strings, and nothing else, is the JSON form", () => {
  expect(jsonWords('["sh", "-c", "a \\"b\\""]')).toEqual(["sh", "-c", 'a "b"']);
  expect(jsonWords("[]")).toEqual([]);
  for (const text of [
    "sh -c x",
    "['sh']",
    '["sh", 1]',
    '["sh"',
    '["sh"] x',
    '{"a":1}',
    '"sh"',
    ' ["sh"]',
    "",
  ])
    expect(jsonWords(text)).toBeUndefined();
});
