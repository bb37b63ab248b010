import { expect, test } from "bun:test";
import fc from "fast-check";
import { compactJson, indentJson } from "./json-indent.ts";

test("levels are indented, empty ones stay together, numbers keep their digits", () => {
  expect(indentJson('[{"a":1795495305483202524,"b":[],"c":{},"d":[1,"x, {y}"]}]', "    ")).toBe(
    `[
    {
        "a": 1795495305483202524,
        "b": [],
        "c": {},
        "d": [
            1,
            "x, {y}"
        ]
    }
]`,
  );
});

test("agrees with JSON.stringify on everything", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(indentJson(text, "  ")).toBe(JSON.stringify(value, null, 2));
      expect(compactJson(JSON.stringify(value, null, 3))).toBe(text);
    }),
  );
});
