import { expect, test } from "bun:test";
import { checkName, randomName } from "./names.ts";

test("random names are valid, many, and get a digit when they are taken", () => {
  const names = new Set(Array.from({ length: 500 }, () => randomName()));
  expect(names.size).toBeGreaterThan(400);
  for (const name of names) {
    expect(name).toMatch(/^[a-z]+_[a-z]+$/);
    checkName(name);
  }
  expect(randomName(2)).toMatch(/^[a-z]+_[a-z]+\d$/);
});

test("names are checked in Docker's words", () => {
  for (const name of ["g1", "A.b-c_d", "0x"]) checkName(name);
  for (const name of ["g 1", "", "a", "-a", "a/b", "ü1", "a\n"])
    expect(() => checkName(name)).toThrow(
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
});
