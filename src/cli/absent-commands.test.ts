import { expect, test } from "bun:test";
import { absentCommands, refuseAbsent } from "./absent-commands.ts";
import { findCommand } from "./commands.ts";

test("what is said to be missing is missing", () => {
  const there = [...absentCommands.keys()].filter((text) => {
    const words = text.split(" ");
    return findCommand(words).names.length === words.length;
  });
  expect(there).toEqual([]);
});

test.each([
  ["build .", "building images is not supported"],
  ["image build .", "building images is not supported"],
  ["swarm init", "swarm mode is not supported"],
])("%s is refused by name", (line, text) => {
  expect(() => refuseAbsent(line.split(" "))).toThrow(text);
});

test.each(["frobnicate", "image frobnicate", "volume"])("%s is nobody's", (line) => {
  expect(() => refuseAbsent(line.split(" "))).not.toThrow();
});
