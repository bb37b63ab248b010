import { expect, test } from "bun:test";
import { eventLine } from "./event-line.ts";

test("numbers beyond 2^53 keep their digits", () => {
  expect(eventLine({ a: "x", timeNano: 1795495686925822104n })).toBe(
    '{"a":"x","timeNano":1795495686925822104}',
  );
  expect(eventLine({ n: 1n })).toBe('{"n":1}');
  expect(eventLine({ a: 1 })).toBe('{"a":1}');
});
