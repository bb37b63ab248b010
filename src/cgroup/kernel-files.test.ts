import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { KernelFiles } from "./kernel-files.ts";

let directory: string;
beforeAll(() => (directory = mkdtempSync(`${tmpdir()}/caisson-kernel-files-`)));
afterAll(() => rmSync(directory, { recursive: true }));

const open = (): number => readdirSync("/proc/self/fd").length;

test("a file is opened once and read as it is each time", () => {
  const path = `${directory}/a`;
  writeFileSync(path, "one\n");
  using files = new KernelFiles();
  const before = open();
  expect(files.read(path)).toBe("one\n");
  writeFileSync(path, "another\n");
  expect(files.read(path)).toBe("another\n");
  expect(open()).toBe(before + 1);
  files.close();
  expect(open()).toBe(before);
});

test("what isn't there isn't, however long it is otherwise", () => {
  using files = new KernelFiles();
  expect(files.read(`${directory}/none`)).toBeUndefined();
  writeFileSync(`${directory}/long`, "x".repeat(200_000));
  expect(files.read(`${directory}/long`)).toHaveLength(200_000);
  expect(files.read("/proc/stat")).toStartWith("cpu ");
});

test("a file that seldom changes is read seldom", () => {
  const path = `${directory}/limit`;
  writeFileSync(path, "1");
  using files = new KernelFiles();
  files.readRarely(path);
  writeFileSync(path, "2");
  const seen = Array.from({ length: 6 }, () => files.readRarely(path));
  expect(seen).toEqual(["1", "1", "1", "1", "2", "2"]);
});
