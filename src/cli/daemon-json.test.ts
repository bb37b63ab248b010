import { expect, test } from "bun:test";
import { wholeObject } from "./daemon-json.ts";

test("one object, or null for an empty one", () => {
  expect([...wholeObject(' {"debug": true, "dns": ["1.1.1.1"]} ')]).toEqual([
    ["debug", true],
    ["dns", ["1.1.1.1"]],
  ]);
  expect(wholeObject("null").size).toBe(0);
});

test.each([
  ["[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"],
  ["true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"],
  ["3", "json: cannot unmarshal number into Go value of type map[string]interface {}"],
  ['"a"', "json: cannot unmarshal string into Go value of type map[string]interface {}"],
  ['{"a":1}}', "invalid character '}' after top-level value"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a"', "unexpected end of JSON input"],
])("%s is refused in the words of Go's decoder", (text, expected) => {
  expect(() => wholeObject(text)).toThrow(`invalid JSON: ${expected}`);
});
