import { expect, test } from "bun:test";
import { constants } from "node:fs";
import { AT, flags, MOUNT_ATTR, MS, O } from "./flags.ts";

test("names and value stay together, in the order that they were given", () => {
  expect(flags(O, "CREAT", "WRONLY", "EXCL")).toEqual({
    kind: "int",
    value: constants.O_CREAT | constants.O_WRONLY | constants.O_EXCL,
    text: "O_CREAT|O_WRONLY|O_EXCL",
  });
  expect(flags(MS)).toEqual({ kind: "int", value: 0, text: "0" });
});

test("the flags of open are this machine's", () => {
  const { RDONLY, RDWR, TRUNC, APPEND, NOCTTY, NONBLOCK, DIRECTORY, NOFOLLOW } = O.values;
  expect([RDONLY, RDWR, TRUNC, APPEND, NOCTTY, NONBLOCK, DIRECTORY, NOFOLLOW]).toEqual([
    constants.O_RDONLY,
    constants.O_RDWR,
    constants.O_TRUNC,
    constants.O_APPEND,
    constants.O_NOCTTY,
    constants.O_NONBLOCK,
    constants.O_DIRECTORY,
    constants.O_NOFOLLOW,
  ]);
});

test("bit 31 doesn't make a flag negative; the working directory is", () => {
  const family = { prefix: "X_", values: { HIGH: 0x8000_0000, LOW: 1 } } as const;
  expect(flags(family, "HIGH", "LOW").value).toBe(0x8000_0001);
  expect(flags(AT, "FDCWD").value).toBe(-100);
  expect(flags(MOUNT_ATTR, "RDONLY", "NOSUID").value).toBe(3);
});
