import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpareFile } from "./spare-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-spare-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("it becomes the other file, and is made anew", async () => {
  const [path, target] = [join(folder, "spare"), join(folder, "index")];
  writeFileSync(target, "older");
  const spare = new SpareFile(path);
  expect(await spare.use(Buffer.from("new"), target)).toBe(false);
  expect(readFileSync(target, "utf8")).toBe("older");
  await spare.provide(3);
  const { size, ino } = statSync(path);
  expect(size).toBeGreaterThanOrEqual(64 << 10);
  expect(await spare.use(Buffer.from("new"), target)).toBe(true);
  expect([readFileSync(target, "utf8"), statSync(target).ino]).toEqual(["new", ino]);
  // The old file is the next spare.
  expect(readFileSync(path, "utf8")).toBe("older");
  expect(await spare.use(Buffer.from("no"), target)).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("no");
  await spare.provide(3);
  expect(statSync(path).size).toBeGreaterThanOrEqual(64 << 10);
});

test("it grows with what it is for", async () => {
  const spare = new SpareFile(join(folder, "spare"));
  await spare.provide(100_000);
  expect(statSync(join(folder, "spare")).size).toBeGreaterThanOrEqual(200_000);
});

test.each([
  ["what is longer than the spare", "x", "much longer"],
  ["what is longer than before, such as another tag", "a long spare", "x"],
])("%s leaves both as they are", async (_, spare, before) => {
  const [path, target] = [join(folder, "spare"), join(folder, "index")];
  writeFileSync(path, spare);
  writeFileSync(target, before);
  expect(await new SpareFile(path).use(Buffer.from("long"), target)).toBe(false);
  expect([readFileSync(path, "utf8"), readFileSync(target, "utf8")]).toEqual([spare, before]);
});
