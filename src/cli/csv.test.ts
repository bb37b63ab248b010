import { expect, test } from "bun:test";
import { csvFields } from "./csv.ts";

test.each([
  ["a,b", ["a", "b"]],
  ["a,,b", ["a", "", "b"]],
  ['"a,b",c', ["a,b", "c"]],
  ['"say ""hi""",x', ['say "hi"', "x"]],
  ["a", ["a"]],
])("%p", (text, fields) => {
  expect(csvFields(text)).toEqual(fields);
});

test("quotes in the wrong place are refused", () => {
  expect(() => csvFields('a"b')).toThrow('bare " in non-quoted-field');
  expect(() => csvFields('"a')).toThrow('extraneous or missing " in quoted-field');
  expect(() => csvFields('"a"b')).toThrow('extraneous or missing " in quoted-field');
});
