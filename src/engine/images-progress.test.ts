import { expect, test } from "bun:test";
import { reported } from "./images-fake-storage.ts";
import { reporting } from "./images-progress.ts";

const wait = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

test("everything that is emitted comes, in order, and then the end", async () => {
  const work = reporting(async (emit) => {
    for (let n = 0; n < 5; n++) {
      emit({ n });
      if (n % 2 === 0) await wait();
    }
  });
  expect(await reported(work)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
});

test("a failure comes after what was emitted before it", async () => {
  const work = reporting(async (emit) => {
    emit({ n: 1 });
    await wait();
    emit({ n: 2 });
    throw new RangeError("too bad");
  });
  expect(await reported(work)).toEqual([{ n: 1 }, { n: 2 }, "too bad"]);
});

test("who leaves stops the work and waits for its end", async () => {
  let ended = false;
  const work = reporting(async (emit, signal) => {
    emit({ n: 1 });
    while (!signal.aborted) await wait();
    await wait();
    ended = true;
  });
  await work.next();
  await work.return();
  expect(ended).toBe(true);
});

test("the outer signal stops the work", async () => {
  const outer = new AbortController();
  const work = reporting(async (emit, signal) => {
    emit({ n: 1 });
    while (true) {
      await wait();
      signal.throwIfAborted();
    }
  }, outer.signal);
  await work.next();
  outer.abort(new RangeError("gone"));
  expect(await reported(work)).toEqual(["gone"]);
});
