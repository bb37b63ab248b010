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
  const file = files.file(path);
  expect(file.read()).toBe("one\n");
  for (const text of ["another\n", "ANOTHER\n", "another\n", "", "more\n"]) {
    writeFileSync(path, text);
    expect(file.read()).toBe(text);
    expect(file.read()).toBe(text);
  }
  expect(open()).toBe(before + 1);
  files.close();
  expect(open()).toBe(before);
});

test("what isn't there isn't, however long it is otherwise", () => {
  using files = new KernelFiles();
  const none = files.file(`${directory}/none`);
  expect([none.read(), none.readRarely()]).toEqual([undefined, undefined]);
  writeFileSync(`${directory}/long`, "x".repeat(200_000));
  const long = files.file(`${directory}/long`);
  expect(long.read()).toHaveLength(200_000);
  writeFileSync(`${directory}/long`, "y".repeat(200_000));
  expect(long.read()).toBe("y".repeat(200_000));
  expect(files.file("/proc/stat").read()).toStartWith("cpu ");
});

test("a file that seldom changes is read seldom", () => {
  const path = `${directory}/limit`;
  writeFileSync(path, "1");
  using files = new KernelFiles();
  const file = files.file(path);
  file.readRarely();
  writeFileSync(path, "2");
  const seen = Array.from({ length: 6 }, () => file.readRarely());
  expect(seen).toEqual(["1", "1", "1", "1", "2", "2"]);
});
