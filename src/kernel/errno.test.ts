import { expect, test } from "bun:test";
import { constants } from "node:os";
import { errnoName, errnoNumbers, errnoText } from "./errno.ts";

test("numbers are this machine's", () => {
  const known = Object.entries(constants.errno).filter(([name]) => name in errnoNumbers);
  expect(known.length).toBeGreaterThan(60);
  for (const [name, number] of known)
    expect(errnoNumbers[name as keyof typeof errnoNumbers], name).toBe(number);
});

test("there and back", () => {
  for (const [name, number] of Object.entries(errnoNumbers)) expect(errnoName(number)).toBe(name);
  expect(errnoText(errnoNumbers.ENOENT)).toBe("no such file or directory");
});

test("one that nobody knows is its number", () => {
  expect(errnoName(4095)).toBe("errno 4095");
  expect(errnoText(4095)).toBe("unknown error");
});
