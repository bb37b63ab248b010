import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { takeLock } from "./autostart.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-autostart-`);
afterAll(() => rmSync(directory, { recursive: true }));

test("only one takes the lock", () => {
  expect(takeLock(`${directory}/one`)).toBe(true);
  expect(takeLock(`${directory}/one`)).toBe(false);
});

test("a lock of a process that is gone is cleared for the next attempt", () => {
  const { pid } = Bun.spawnSync(["true"]);
  writeFileSync(`${directory}/gone`, String(pid));
  expect(takeLock(`${directory}/gone`)).toBe(false);
  expect(takeLock(`${directory}/gone`)).toBe(true);
});

test("a lock without an owner is respected for a moment", () => {
  const path = `${directory}/empty`;
  writeFileSync(path, "");
  expect(takeLock(path)).toBe(false);
  expect(takeLock(path)).toBe(false);
  utimesSync(path, 1, 1);
  expect(takeLock(path)).toBe(false);
  expect(takeLock(path)).toBe(true);
});
