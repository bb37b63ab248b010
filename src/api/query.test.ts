import { expect, test } from "bun:test";
import { goZeroTime, parseFilters, Query } from "./query.ts";

test("flags: five words are false, in any case of letters; everything else is true", () => {
  const query = new Query("a=&b=0&c=No&d=FALSE&e=none&f=1&g=x&h");
  expect("abcdefgh".split("").map((name) => query.flag(name))).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
    true,
    false,
  ]);
  expect([query.flag("z"), query.flag("z", true), query.flag("a", true)]).toEqual([false, true, false]);
});

test("numbers in Go's syntax", () => {
  const query = new Query("a=-1&b=%2B5&c=1.5&d=99999999999999999999&e=");
  expect([query.integer("a"), query.integer("b"), query.integer("e"), query.integer("z")]).toEqual([
    -1,
    5,
    undefined,
    undefined,
  ]);
  expect(() => query.integer("c")).toThrow('strconv.Atoi: parsing "1.5": invalid syntax');
  expect(() => query.integer("d")).toThrow(
    'strconv.Atoi: parsing "99999999999999999999": value out of range',
  );
});

test("sides of a terminal", () => {
  const query = new Query("h=24&w=4294967296");
  expect(query.dimension("h", "height")).toBe(24);
  expect(() => query.dimension("w", "width")).toThrow(
    'invalid resize width "4294967296": value out of range',
  );
});

test("times keep their nanoseconds", () => {
  const query = new Query("a=1795495686.925822104&b=5&c=1.5&d=0&e=x");
  expect(query.time("a", /^0$/)).toBe(1795495686925822104n);
  expect([
    query.time("b", /^0$/),
    query.time("c", /^0$/),
    query.time("d", /^0$/),
    query.time("z", /^0$/),
  ]).toEqual([5_000_000_000n, 1_500_000_000n, undefined, undefined]);
  expect(() => query.time("e", /^0$/)).toThrow('strconv.ParseInt: parsing "x": invalid syntax');
});

test("a time that Go's clock can't hold is one of long ago", () => {
  const query = new Query("a=9223372036854775807&b=9223372036854775808&c=0&d=-1.5");
  expect(query.time("a", /^0$/)).toBeLessThan(goZeroTime);
  expect(() => query.time("b", /^0$/)).toThrow("value out of range");
  expect([query.time("c", /^-1/), query.time("d", /^-1/)]).toEqual([0n, undefined]);
});

test("a form goes before the query; repeated parameters are all there", () => {
  const query = new Query("a=1&a=2&b=3", "a=0&c=4");
  expect([query.text("a"), query.text("b"), query.text("c"), query.all("a")]).toEqual([
    "0",
    "3",
    "4",
    ["0", "1", "2"],
  ]);
});

test("filters in both spellings", () => {
  expect(parseFilters('{"label":{"a":true,"b=c":true},"id":null}')).toEqual(
    new Map([
      ["label", ["a", "b=c"]],
      ["id", []],
    ]),
  );
  expect(parseFilters('{"label":["a","b=c"]}')).toEqual(new Map([["label", ["a", "b=c"]]]));
  expect([parseFilters("").size, parseFilters("{}").size, parseFilters("null").size]).toEqual([0, 0, 0]);
  for (const wrong of [
    "{",
    "[]",
    '"a"',
    '{"a":"b"}',
    '{"a":[1]}',
    '{"a":{"b":1}}',
    '{"a":["b"],"c":{"d":true}}',
  ])
    expect(() => parseFilters(wrong)).toThrow("invalid filter");
});
