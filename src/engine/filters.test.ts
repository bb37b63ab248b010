import { expect, test } from "bun:test";
import {
  booleanFilter,
  checkFilters,
  exactMatch,
  labelsMatch,
  patternFilter,
  prefixMatch,
  pruneLabelsMatch,
  untilFilter,
} from "./filters.ts";

const only = (name: string, ...values: string[]): Map<string, string[]> => new Map([[name, values]]);

test("unknown names are refused in Docker's words", () => {
  expect(() => checkFilters(only("nope", "1"), new Set(["label"]))).toThrow("invalid filter 'nope'");
  checkFilters(only("label", "a"), new Set(["label"]));
});

test("a filter without values lets everything through", () => {
  expect(exactMatch(only("a"), "a", "x")).toBe(true);
  expect(prefixMatch(new Map(), "a", "x")).toBe(true);
  expect(patternFilter(only("a"), "a")).toBeUndefined();
});

test("patterns are texts, parts and expressions", () => {
  const match = (pattern: string, text: string): boolean | undefined =>
    patternFilter(only("name", pattern), "name")?.(text);
  expect(match("web", "my-web-1")).toBe(true);
  expect(match("^web", "my-web-1")).toBe(false);
  expect(match("^/?my-(web|db)-\\d$", "/my-web-1")).toBe(true);
  expect(match("a[", "a[")).toBe(true);
  expect(match("a[", "xa[")).toBe(false);
});

test("no pattern takes for ever", () => {
  const text = `${"a".repeat(60)}!`;
  for (const pattern of [
    "^(a+)+$",
    "^((a+))+$",
    "(a|a)*$",
    `${"a?".repeat(40)}${"a".repeat(40)}$`,
    `${".*".repeat(20)}x`,
  ])
    expect(patternFilter(only("name", pattern), "name")?.(text)).toBe(false);
});

test("labels must all be there", () => {
  const labels = { a: "1", b: "x=y" };
  expect(labelsMatch(only("label", "a", "b=x=y"), "label", labels)).toBe(true);
  expect(labelsMatch(only("label", "a=2"), "label", labels)).toBe(false);
  expect(labelsMatch(only("label", "toString"), "label", labels)).toBe(false);
  expect(labelsMatch(only("label", "a"), "label", null)).toBe(false);
  expect(pruneLabelsMatch(only("label!", "a"), labels)).toBe(false);
  expect(pruneLabelsMatch(only("label!", "c"), labels)).toBe(true);
  expect(pruneLabelsMatch(only("label!", "a", "c"), labels)).toBe(true);
});

test("truth values", () => {
  expect(booleanFilter(new Map(), "dangling")).toBeUndefined();
  expect(booleanFilter(only("dangling", "1"), "dangling")).toBe(true);
  expect(booleanFilter(only("dangling", "false"), "dangling")).toBe(false);
  expect(() => booleanFilter(only("dangling", "maybe"), "dangling")).toThrow(
    "invalid filter 'dangling=[maybe]'",
  );
  expect(() => booleanFilter(only("dangling", "1", "0"), "dangling")).toThrow(
    "invalid filter 'dangling=[1 0]'",
  );
});

test("until is a time or a duration", () => {
  const now = 1_700_000_000_000_000_000n;
  const until = (text: string): bigint | undefined => untilFilter(only("until", text), now);
  expect(until("1h30m")).toBe(now - 5_400_000_000_000n);
  expect(until("0.5s")).toBe(now - 500_000_000n);
  expect(until("1600000000.25")).toBe(1_600_000_000_250_000_000n);
  expect(until("2020-01-01T00:00:00+01:00")).toBe(1_577_833_200_000_000_000n);
  expect(untilFilter(new Map(), now)).toBeUndefined();
  expect(() => until("yesterday")).toThrow("yesterday");
  expect(() => untilFilter(only("until", "1h", "2h"), now)).toThrow("more than one until filter specified");
});
