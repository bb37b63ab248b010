import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { cut, readKeyValues, takeLabel, takeVariable, toMap } from "./key-values.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-key-values-`);
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(`${directory}/${name}`, content);
  return `${directory}/${name}`;
}

test("a variable without a value gets the caller's, if there is one", () => {
  expect(takeVariable("A=1")).toBe("A=1");
  expect(takeVariable("PATH")).toBe(`PATH=${process.env["PATH"]}`);
  expect(takeVariable("CAISSON_NOT_SET")).toBe("CAISSON_NOT_SET");
  expect(() => takeVariable("=x")).toThrow("invalid environment variable: =x");
});

test("labels need a name without white space", () => {
  expect(takeLabel("a=b c")).toBe("a=b c");
  expect(() => takeLabel("=b")).toThrow("invalid label '=b': empty name");
  expect(() => takeLabel("a b=c")).toThrow("label 'a b' contains whitespaces");
});

test("files have comments, empty lines and values that end in white space", () => {
  const env = file("env", "\uFEFF# comment\nA=1\n\n  B=x y \nCAISSON_NOT_SET\r\nPATH\n");
  expect(readKeyValues([env], ["A=2"], true)).toEqual([
    "A=1",
    "B=x y ",
    `PATH=${process.env["PATH"]}`,
    "A=2",
  ]);
});

test.each([
  ["=x", "no variable name on line '=x'"],
  ["A B=x", "variable 'A B' contains whitespaces"],
])("a line %p is refused", (line, what) => {
  const path = file("bad", line);
  expect(() => readKeyValues([path], [], true)).toThrow(`invalid env file (${path}): ${what}`);
});

test("bytes that are no text are refused", () => {
  const path = file("binary", Uint8Array.of(65, 61, 255));
  expect(() => readKeyValues([path], [], true)).toThrow("invalid utf8 bytes at line 1: [65 61 255]");
});

test("a missing file is named", () => {
  expect(() => readKeyValues(["/nowhere/env"], [], true)).toThrow(
    "open /nowhere/env: no such file or directory",
  );
});

test("words as a map", () => {
  expect(toMap(["a=b=c", "d"])).toEqual({ a: "b=c", d: "" });
  expect(cut("a", "=")).toEqual(["a", ""]);
});
