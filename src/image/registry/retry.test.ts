import { expect, test } from "bun:test";
import { rejection } from "./fake-registry.ts";
import { refusedFailure, statusFailure } from "./failures.ts";
import { pause, pauseBefore, retrying } from "./retry.ts";

const url = new URL("https://registry.example/");
const busy = statusFailure(url, 503, null);

test("transient failures are tried again, up to the limit; others are not", async () => {
  const run = async (error: Error, failing: number): Promise<[unknown, number]> => {
    let calls = 0;
    const result: unknown = await retrying({ attempts: 3, pause: 1 }, undefined, async () => {
      calls += 1;
      if (calls <= failing) throw error;
      return "done";
    }).catch((e: unknown) => e);
    return [result, calls];
  };
  expect(await run(busy, 2)).toEqual(["done", 3]);
  expect(await run(busy, 3)).toEqual([busy, 3]);
  const refused = refusedFailure(url, "no");
  expect(await run(refused, 1)).toEqual([refused, 1]);
});

test("pauses double up to half a minute; the server's wish wins", () => {
  const policy = { attempts: 5, pause: 1000 };
  for (const [attempt, base] of [
    [1, 1000],
    [3, 4000],
    [20, 30_000],
  ] as const) {
    const ms = pauseBefore(attempt, policy, busy);
    expect(ms).toBeGreaterThanOrEqual(base * 0.75);
    expect(ms).toBeLessThanOrEqual(base * 1.25);
  }
  expect(pauseBefore(1, policy, statusFailure(url, 429, "42"))).toBe(42_000);
});

test("an abort ends a pause", async () => {
  const abort = new AbortController();
  const waiting = pause(60_000, abort.signal);
  abort.abort(new RangeError("enough"));
  expect(await rejection(waiting)).toContain("enough");
  expect(await rejection(pause(1, abort.signal))).toContain("enough");
});
