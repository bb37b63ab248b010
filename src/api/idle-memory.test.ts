import { expect, test } from "bun:test";
import { Idleness } from "./idle-memory.ts";

const MiB = 1 << 20;

/** Looks once a second from `from` on, while it takes so many milliseconds of a processor in each; when it is due, in seconds. */
function dueAt(
  idleness: Idleness,
  {
    from = 0,
    processor,
    resident,
  }: { from?: number; processor: (second: number) => number; resident: number },
): number | undefined {
  let used = 0;
  for (let second = from; second < from + 60; second++) {
    used += processor(second);
    if (idleness.isDue({ at: second * 1000, processor: used, resident })) return second;
  }
  return undefined;
}

test("memory is given back after ten seconds with little to do", () => {
  expect(dueAt(new Idleness(), { processor: () => 5, resident: 100 * MiB })).toBe(10);
  const processor = (second: number): number => (second < 20 ? 100 : 5);
  expect(dueAt(new Idleness(), { processor, resident: 100 * MiB })).toBe(29);
  expect(dueAt(new Idleness(), { processor: () => 50, resident: 100 * MiB })).toBeUndefined();
});

test("and again only when enough has come", () => {
  const idleness = new Idleness();
  expect(dueAt(idleness, { processor: () => 0, resident: 100 * MiB })).toBe(10);
  idleness.gaveBack(60 * MiB);
  const idle = { from: 100, processor: () => 0 };
  expect(dueAt(idleness, { ...idle, resident: 75 * MiB })).toBeUndefined();
  expect(dueAt(idleness, { ...idle, from: 200, resident: 80 * MiB })).toBeDefined();
});
