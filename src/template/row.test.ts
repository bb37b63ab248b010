import { expect, test } from "bun:test";
import { Row } from "./row.ts";

test("columns are worked out when they are asked for, methods get their arguments", () => {
  let worked = 0;
  const row = new Row(
    "*x.y",
    { Name: () => ++worked, Both: () => "column" },
    { Label: (name) => `label ${String(name)}`, Both: () => "method" },
  );
  expect(worked).toBe(0);
  expect([row.get("Name", []), row.get("Label", ["a"]), row.get("Both", [])]).toEqual([
    1,
    "label a",
    "column",
  ]);
  expect(["Name", "Label", "name", "toString", "constructor"].map((name) => row.has(name))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("as JSON it is its columns, in the order of their names, without methods", () => {
  const row = new Row("*x.y", { B: () => 1, A: () => ["x"], a: () => null }, { M: () => 2 });
  expect(JSON.stringify(row)).toBe('{"A":["x"],"B":1,"a":null}');
});
