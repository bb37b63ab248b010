import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusal } from "./fake-engine.ts";
import { removePidfile, writePidfile } from "./pidfile.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-pid-"));
  path = join(folder, "run/caisson.pid");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("it is written with its folder, and goes with its process", async () => {
  await writePidfile(path);
  await writePidfile(path);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  await removePidfile(path);
  expect(existsSync(path)).toBe(false);
  await removePidfile(path);
});

test("a live process is told of, one that is gone is not in the way", async () => {
  await writePidfile(path);
  writeFileSync(path, `${process.ppid}\n`);
  expect(await refusal(writePidfile(path))).toBe(
    `process with PID ${process.ppid} is still running: it holds ${path}`,
  );
  await removePidfile(path);
  expect(readFileSync(path, "utf8")).toBe(`${process.ppid}\n`);
  // Above the kernel's highest (pid_max is 2^22 at most), and what is no number at all.
  for (const left of ["4194305", "nonsense", "-1", "0", ""]) {
    writeFileSync(path, left);
    await writePidfile(path);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
  }
});
