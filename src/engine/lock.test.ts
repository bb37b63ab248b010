import { expect, test } from "bun:test";
import { Lock } from "./lock.ts";

test("work is done in the order in which it was asked for, one at a time, and a failure doesn't stop the rest", async () => {
  const lock = new Lock();
  const seen: string[] = [];
  const work = (name: string, milliseconds: number): Promise<void> =>
    lock.run(async () => {
      seen.push(`${name} begins`);
      await Bun.sleep(milliseconds);
      seen.push(`${name} ends`);
    });
  const failing = lock.run(() => Promise.reject(new TypeError("no")));
  const outcomes = await Promise.allSettled([failing, work("a", 5), work("b", 0)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});
