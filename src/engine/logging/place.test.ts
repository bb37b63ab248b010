import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileKey, placePath, readPlace, writePlace } from "./place.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-place-"));
  path = join(folder, "log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a place comes back, for root alone to read", async () => {
  expect(await readPlace(path)).toBeUndefined();
  await writePlace(path, { file: "1:2", offset: 3 });
  await writePlace(path, { file: "1:2", offset: 4 });
  expect(await readPlace(path)).toEqual({ file: "1:2", offset: 4 });
  expect(statSync(placePath(path)).mode & 0o777).toBe(0o600);
});

test("what is no place counts as none", async () => {
  for (const text of [
    "",
    "{",
    "null",
    "3",
    '{"file":"a"}',
    '{"file":1,"offset":2}',
    '{"file":"a","offset":"2"}',
  ]) {
    writeFileSync(placePath(path), text);
    expect(await readPlace(path)).toBeUndefined();
  }
});

test("nothing is kept of a log whose folder is gone", async () => {
  rmSync(folder, { recursive: true });
  await writePlace(path, { file: "1:2", offset: 3 });
  expect(() => statSync(folder)).toThrow("ENOENT");
});

test("a key outlives a renaming, and tells files apart", async () => {
  writeFileSync(path, "a");
  writeFileSync(`${path}2`, "a");
  await using first = await open(path);
  await using second = await open(`${path}2`);
  const key = await fileKey(first);
  expect(key).toMatch(/^\d+:\d+$/);
  expect(await fileKey(second)).not.toBe(key);
  expect(key).toStartWith(`${statSync(path).ino}:`);
});
