import { expect, test } from "bun:test";
import { Limiter } from "./limiter.ts";

test("never more than the limit at once, in the order of arrival, slots survive failures", async () => {
  const limiter = new Limiter(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const tasks = Array.from({ length: 9 }, (_, n) =>
    limiter.run(async () => {
      order.push(n);
      running += 1;
      most = Math.max(most, running);
      await Bun.sleep(1);
      running -= 1;
      if (n % 3 === 0) throw new RangeError("x");
    }),
  );
  expect(limiter.busy).toBe(true);
  const ends = await Promise.allSettled(tasks);
  expect(ends.filter(({ status }) => status === "rejected")).toHaveLength(3);
  expect([most, running, limiter.busy]).toEqual([2, 0, false]);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});
