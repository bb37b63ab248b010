import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseBody } from "./go-json.ts";

test("the texts of Go's decoder", () => {
  const texts: [string, string][] = [
    ["", "invalid JSON: got EOF while reading request body"],
    ['{"a"', "invalid JSON: unexpected EOF"],
    ['{"a":"b', "invalid JSON: unexpected EOF"],
    ["[1,", "invalid JSON: unexpected EOF"],
    ["{a}", "invalid JSON: invalid character 'a' looking for beginning of object key string"],
    ["abc", "invalid JSON: invalid character 'a' looking for beginning of value"],
    ['{"a" 1}', "invalid JSON: invalid character '1' after object key"],
    ['{"a":1 2}', "invalid JSON: invalid character '2' after object key:value pair"],
    ["[1 2]", "invalid JSON: invalid character '2' after array element"],
    ["trux", "invalid JSON: invalid character 'x' in literal true (expecting 'e')"],
    ['"\\x"', "invalid JSON: invalid escape sequence `\\x` in string"],
    ['"\u0000"', "invalid JSON: invalid character '\\x00' in string"],
    [`${"[".repeat(10_001)}`, "invalid JSON: exceeded max depth"],
    [`${"[".repeat(10_000)}`, "invalid JSON: unexpected EOF"],
    ['"a\nb"', "invalid JSON: invalid character '\\n' in string"],
    ["\ufeff{}", "invalid JSON: invalid character '\\ufeff' looking for beginning of value"],
    ['"\\u00zz"', "invalid JSON: invalid escape sequence `\\u00zz` in string"],
    ['"\\u00', "invalid JSON: unexpected EOF"],
    ["\u007f", "invalid JSON: invalid character '\\x7f' looking for beginning of value"],
    ["--z", "invalid JSON: invalid character '-' in numeric literal"],
    ["-", "invalid JSON: unexpected EOF"],
    ["[1.]", "invalid JSON: invalid character ']' in numeric literal"],
    ["[1e+]", "invalid JSON: invalid character ']' in numeric literal"],
    ["[01]", "invalid JSON: invalid character '1' after array element"],
    ["{}{}", "unexpected content after JSON"],
    ["{} x", "unexpected content after JSON"],
  ];
  for (const [text, message] of texts) expect(() => parseBody(text)).toThrow(message);
});

test("what JSON.parse takes is taken as it is, what it refuses is always told", () => {
  const plain = fc.json().filter((json) => !/\d[.eE]|\d{19}/.test(json));
  fc.assert(fc.property(plain, (json) => expect(parseBody(json)).toEqual(JSON.parse(json))));
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, at) => {
      const cut = json.slice(0, at % json.length);
      try {
        JSON.parse(cut);
      } catch {
        expect(() => parseBody(cut)).toThrow(/JSON/);
      }
    }),
  );
});
