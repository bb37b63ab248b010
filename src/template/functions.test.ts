import { expect, test } from "bun:test";
import { functionNames } from "./function-names.ts";
import { functions, headerFunctions, toJson, truth } from "./functions.ts";
import { Row } from "./row.ts";

const call = (name: string, ...args: readonly unknown[]): unknown => functions[name]?.(...args);

test("every name that parses is there, but for those that the evaluator does itself", () => {
  expect([...functionNames].filter((name) => !(name in functions))).toEqual(["and", "or"]);
  expect(Object.keys(functions).filter((name) => !functionNames.has(name))).toEqual([]);
});

test("what counts as true", () => {
  expect([null, undefined, false, 0, "", [], {}].some(truth)).toBe(false);
  expect([true, 1, "x", [0], { a: 0 }, new Row("x", {})].every(truth)).toBe(true);
});

test("comparing", () => {
  expect(call("eq", 1, 2, 1)).toBe(true);
  expect(call("lt", "a", "b")).toBe(true);
  expect(call("eq", null, undefined)).toBe(true);
  expect(() => call("lt", 1, "a")).toThrow("error calling lt: incompatible types for comparison");
  expect(() => call("lt", true, false)).toThrow("incompatible types");
  expect(() => call("eq", {}, {})).toThrow("error calling eq: non-comparable types");
});

test("index walks lists and maps; a missing key is the map's zero value", () => {
  expect(call("index", { a: [{ b: "x" }] }, "a", 0, "b")).toBe("x");
  expect(call("index", { a: "x" }, "none")).toBe("");
  expect(call("index", { a: 1 }, "none")).toBeUndefined();
  expect(() => call("index", [1], 1)).toThrow("index out of range: 1");
  expect(() => call("index", [1], "a")).toThrow("cannot index slice/array with type string");
  expect(() => call("index", null, 1)).toThrow("index of untyped nil");
  expect(() => call("index", 5, 1)).toThrow("can't index item of type number");
});

test("lengths are of bytes in a text, and a slice stays inside", () => {
  expect(call("len", "é")).toBe(2);
  expect(call("len", { a: 1 })).toBe(1);
  expect(() => call("len", 5)).toThrow("error calling len");
  expect(call("slice", [1, 2, 3], 1)).toEqual([2, 3]);
  expect(() => call("slice", "abc", 4)).toThrow("index out of range: 4");
});

test("JSON is escaped in a line of a list only", () => {
  expect(toJson({ a: "<&>" })).toBe('{"a":"<&>"}');
  expect(toJson(new Row("x", { B: () => 1, A: () => "<&>" }))).toBe('{"A":"\\u003c\\u0026\\u003e","B":1}');
  expect(toJson(undefined)).toBe("null");
});

test("in the head of a table a column's name stays what it is", () => {
  expect(headerFunctions["upper"]?.("Name")).toBe("Name");
  expect(headerFunctions["json"]?.("Name")).toBe("Name");
  expect(headerFunctions["pad"]?.("Name", 1, 0)).toBe(" Name");
});
