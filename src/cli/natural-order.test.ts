import { expect, test } from "bun:test";
import { naturalOrder } from "./natural-order.ts";

test("numbers by their value, the rest by its characters", () => {
  // What docker 28 made of them.
  const sorted =
    " 1 01 9 10 99999999999999999999999 100000000000000000000000 B a a1b2 a1b10 a01b2 a2 a2b a02 a02b a002 a10 a-b aZ az aé n2 n10 none";
  expect(sorted.split(" ").toReversed().toSorted(naturalOrder).join(" ")).toBe(sorted);
  expect(naturalOrder("n2", "n2")).toBe(0);
});
