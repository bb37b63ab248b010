import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateFile } from "./state-file.ts";
import type { DnsState } from "./types.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-state-"));
  path = join(folder, "state.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const empty: DnsState = { networks: [], endpoints: [], containers: [] };
const one: DnsState = { ...empty, networks: [{ id: "n", name: "web", internal: false }] };

test("many changes are one file, a little later, for root alone", async () => {
  let asked = 0;
  const file = new StateFile(path, () => {
    asked++;
    return one;
  });
  file.changed();
  file.changed();
  expect(existsSync(path)).toBe(false);
  await Bun.sleep(300);
  expect([asked, readFileSync(path, "utf8")]).toEqual([1, JSON.stringify(one)]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(new StateFile(path, () => empty).read()).toEqual(one);
});

test("at its end it is written at once, if there is anything", () => {
  const file = new StateFile(path, () => one);
  file.close();
  expect(existsSync(path)).toBe(false);
  file.changed();
  file.close();
  expect(file.read()).toEqual(one);
});

test("what can't be read is none, and what can't be written stops nobody", () => {
  writeFileSync(path, "{");
  const file = new StateFile(path, () => one);
  expect(file.read()).toBeUndefined();
  rmSync(folder, { recursive: true });
  expect(file.read()).toBeUndefined();
  file.changed();
  file.close();
});
