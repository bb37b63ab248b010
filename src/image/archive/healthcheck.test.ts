import { expect, test } from "bun:test";
import { parseDuration, parseHealthcheck } from "./healthcheck.ts";

test("flags, and the command in both forms", () => {
  expect(parseHealthcheck("--interval=5s --retries=2 CMD test -e /x")).toMatchObject({
    Interval: 5e9,
    Retries: 2,
    Test: ["CMD-SHELL", "test -e /x"],
  });
  expect(parseHealthcheck('CMD ["true"]').Test).toEqual(["CMD", "true"]);
  expect(parseHealthcheck("NONE").Test).toEqual(["NONE"]);
});

test("names that every object has are neither flags nor units", () => {
  expect(() => parseHealthcheck("--toString=5s CMD true")).toThrow("unknown flag: --toString");
  expect(() => parseDuration("5constructor")).toThrow("unknown unit");
});
