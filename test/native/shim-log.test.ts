/**
 * What the shim does with its log for the engine's sake: attributes, files that must be sent, files that are compressed.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Executor, type ShimLog, type ShimOptions } from "../../src/kernel/mod.ts";
import { binary } from "./programs.ts";
import { ended, records, shell, shimIn, until } from "./shims.ts";

/** Set on what was sent (native/PROTOCOL.md, LOG_KEEP). */
const STICKY = 0o1000;

let scratch: string;
let executor: Executor;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "caisson-shim-log-test-"));
  executor = Executor.start(binary);
});
afterAll(() => {
  executor.close();
  rmSync(scratch, { recursive: true });
});

/** Starts a shim that runs `script` with a log in a directory of its own. */
async function start(
  script: string,
  log: Partial<ShimLog>,
): Promise<ShimOptions & { readonly path: string; readonly pid: number }> {
  const path = join(mkdtempSync(join(scratch, "log-")), "x-json.log");
  const shim = shimIn(scratch, shell(script), { log: { path, limit: 0, files: 1, ...log } });
  const { pid } = await executor.shim(shim);
  return { ...shim, path, pid };
}

const lines = (count: number): string => `i=0; while [ $i -lt ${count} ]; do echo line $i; i=$((i+1)); done`;
const all = (shim: ShimOptions, suffixes: readonly string[]): string[] =>
  suffixes.flatMap((suffix) => records(shim, suffix).map(({ log }) => log));
const expected = (count: number): string[] => Array.from({ length: count }, (_, i) => `line ${i}\n`);

test("attributes stand in every record, however long they are", async () => {
  const long = "v".repeat(100_000);
  const shim = await start("echo one; echo two >&2", { attributes: `,"attrs":{"a":"${long}"}` });
  await ended(shim);
  const found = readFileSync(shim.path, "utf8").trimEnd().split("\n");
  expect(found).toHaveLength(2);
  for (const line of found)
    expect(line).toMatch(/^\{"log":"(one|two)\\n","stream":"std(out|err)","attrs":\{"a":"v+"\},"time":"/);
});

test("no file begins while the last full one isn't marked, and the container waits until it is", async () => {
  const shim = await start(lines(20_000), { limit: 40_000, files: 3, keepsUnmarked: true });
  const full = `${shim.path}.1`;
  await until("a file is full", () => existsSync(full));
  await delay(500);
  expect(existsSync(join(shim.directory, "exit"))).toBe(false);
  expect(existsSync(`${shim.path}.2`)).toBe(false);
  const seen: string[] = [];
  while (!existsSync(join(shim.directory, "exit"))) {
    if (((statSync(full, { throwIfNoEntry: false })?.mode ?? STICKY) & STICKY) !== 0) await delay(5);
    else {
      seen.push(...all(shim, [".1"]));
      chmodSync(full, 0o1640);
    }
  }
  await ended(shim);
  const rest = all(shim, [".2", ".1", ""]);
  const last = seen.indexOf(rest[0] ?? "");
  expect([...seen.slice(0, last < 0 ? seen.length : last), ...rest]).toEqual(expected(20_000));
});

test("after the exit nobody waits: the last file grows, nothing is lost", async () => {
  const shim = await start(`${lines(40)}; exec sleep 1000`, { limit: 1000, files: 2, keepsUnmarked: true });
  await until("it waits", () => existsSync(`${shim.path}.1`));
  await delay(300);
  process.kill(shim.pid, "SIGKILL");
  expect(await ended(shim)).toMatchObject({ code: 137 });
  expect(all(shim, [".1", ""])).toEqual(expected(40));
});

test("compressed files move up as others do, and go as others do", async () => {
  const shim = await start(`${lines(20)}; sleep 0.3; ${lines(200)}`, { limit: 1000, files: 4 });
  await until("a rotation", () => existsSync(`${shim.path}.1`));
  renameSync(`${shim.path}.1`, `${shim.path}.1.gz`);
  await ended(shim);
  expect(readdirSync(join(shim.path, "..")).toSorted()).toEqual(
    ["", ".1", ".2", ".3"].map((suffix) => `x-json.log${suffix}`),
  );
  const again = await start(`${lines(20)}; sleep 0.3; ${lines(22)}`, { limit: 1000, files: 9 });
  await until("a rotation", () => existsSync(`${again.path}.1`));
  renameSync(`${again.path}.1`, `${again.path}.1.gz`);
  await ended(again);
  const names = readdirSync(join(again.path, ".."));
  expect(names.filter((name) => name.endsWith(".gz"))).toEqual([expect.stringMatching(/\.[2-9]\.gz$/)]);
  expect(new Set(names.map((name) => name.replace(".gz", ""))).size).toBe(names.length);
});

test("an impatient log drops at once what a full disk doesn't take, and says so", async () => {
  const disk = mkdtempSync(join(scratch, "disk-"));
  expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", disk]).status).toBe(0);
  try {
    const path = join(disk, "x-json.log");
    const begun = performance.now();
    const shim = await start(lines(5000), { path, impatient: true });
    await ended(shim);
    expect(performance.now() - begun).toBeLessThan(4000);
    const kept = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(kept.length).toBeLessThan(5000);
    const texts = kept.map((line) => (JSON.parse(line) as { log: string }).log);
    // A record of a later try may find the room that one of many didn't.
    const written = new Set(texts);
    expect(expected(5000).filter((text) => written.has(text))).toEqual(texts);
  } finally {
    spawnSync("umount", [disk]);
  }
});
