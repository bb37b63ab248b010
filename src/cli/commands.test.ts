import { expect, test } from "bun:test";
import { commands, findCommand, type Entry } from "./commands.ts";

test("both spellings lead to the same code", () => {
  expect(findCommand(["run", "x"]).entry?.load).toBe(findCommand(["container", "run", "x"]).entry?.load);
  expect(findCommand(["ps"]).entry?.load).toBe(findCommand(["container", "list"]).entry?.load);
});

test("names are the canonical ones", () => {
  expect(findCommand(["image", "remove", "x"]).names).toEqual(["image", "rm"]);
});

test("what isn't a command is none", () => {
  expect(findCommand(["nonsense"]).entry).toBeUndefined();
  expect(findCommand(["container", "nonsense"]).names).toEqual(["container"]);
});

test("every command can be loaded and its flags are told apart", async () => {
  const leaves = (entries: readonly Entry[]): readonly Entry[] =>
    entries.flatMap((entry) => (entry.children === undefined ? [entry] : leaves(entry.children)));
  for (const entry of leaves(commands)) {
    const command = await entry.load?.();
    expect(command, entry.name).toBeDefined();
    const names = command?.flags.flatMap((flag) => [flag.name, ...(flag.formerly ?? [])]) ?? [];
    const shorts = command?.flags.flatMap((flag) => (flag.short === undefined ? [] : [flag.short])) ?? [];
    expect(new Set(names).size, entry.name).toBe(names.length);
    expect(new Set(shorts).size, entry.name).toBe(shorts.length);
  }
});
