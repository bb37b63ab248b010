import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Gathering } from "./gathering.ts";

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test("changes of a while are written at once, and at once when somebody wants it", () => {
  let writes = 0;
  const gathering = new Gathering(() => void writes++, 20);
  gathering.soon();
  gathering.soon();
  expect(writes).toBe(0);
  jest.advanceTimersByTime(20);
  expect(writes).toBe(1);
  gathering.soon();
  gathering.now();
  jest.advanceTimersByTime(100);
  expect(writes).toBe(2);
});

test("what can't be written is tried again until it can", () => {
  let full = true;
  let tries = 0;
  const gathering = new Gathering(() => {
    tries++;
    if (full) throw new TypeError("full");
  });
  gathering.soon();
  jest.advanceTimersByTime(60);
  expect(tries).toBe(1);
  expect(() => gathering.now()).toThrow("full");
  jest.advanceTimersByTime(3500);
  const before = tries;
  expect(before).toBeGreaterThan(2);
  full = false;
  jest.advanceTimersByTime(1500);
  expect(tries).toBe(before + 1);
  jest.advanceTimersByTime(5000);
  expect(tries).toBe(before + 1);
});
