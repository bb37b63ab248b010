/**
 * What a container could find of the engine's executables by way of /proc/PID/exe (CVE-2019-5736): memory that nobody
 * can change.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { loadImage } from "../support/archive.ts";
import { command, eventually, inspect, must, pidOf, removeAll, run, start } from "../support/containers.ts";
import { caisson, TestEngine } from "../support/engine.ts";
import { processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";
import { loadScripts, perlPath, script } from "../support/scripts.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  await loadScripts(engine, "watcher", { look: "security/look-at-executables.pl" });
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

/** F_SEAL_SEAL, SHRINK, GROW and WRITE of fcntl(2); F_SEAL_EXEC beside them where the kernel has it. */
const SEALS = 0xf;
const EPERM = 1;
const ENOENT = 2;
const ESRCH = 3;
const ETXTBSY = 26;

interface Look {
  /** In a pid namespace below the one that looks. */
  readonly own: boolean;
  readonly target: string;
  /** Undefined: it can't be sealed. */
  readonly seals: number | undefined;
  readonly errors: readonly number[];
}

function parse(line: string): Look {
  const [kind = "", target = "", ...rest] = line.replace(" (deleted)", "").split(" ");
  const [seals = "", ...errors] = rest;
  return {
    own: kind === "own",
    target,
    seals: seals === "unsealed" ? undefined : Number.parseInt(seals, 16),
    errors: errors.map(Number),
  };
}

function look(...pids: readonly number[]): Look[] {
  const paths = pids.map((pid) => `/proc/${pid}/exe`);
  const program = script("security/look-at-executables.pl");
  return spawnSync(perlPath, [program, ...paths], { encoding: "utf8" })
    .stdout.trim()
    .split("\n")
    .map(parse);
}

/** It is memory, has every seal, and each attempt to write failed: while somebody runs it, or because of the seals. */
function expectSealed({ target, seals = 0, errors }: Look): void {
  expect(target).toMatch(/^\/memfd:caisson/);
  expect(seals & SEALS).toBe(SEALS);
  expect(errors.length).toBe(5);
  for (const error of errors) expect([EPERM, ETXTBSY]).toContain(error);
}

/** Digests of the engine's own files on disk. */
function digests(): Record<string, string> {
  const programs = [caisson];
  for (const path of readdirSync(engine.execRoot, { recursive: true }) as string[]) {
    const whole = join(engine.execRoot, path);
    const info = lstatSync(whole, { throwIfNoEntry: false });
    if (info?.isFile() === true && (info.mode & 0o111) !== 0) programs.push(whole);
  }
  return Object.fromEntries(
    programs.map((path) => [path, createHash("sha256").update(readFileSync(path)).digest("hex")]),
  );
}

/** The engine's executors, and the shims of containers. */
function ownProcesses(ids: readonly string[]): { executors: number[]; shims: number[] } {
  const { pid } = engine;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
  return {
    executors: children.filter((child) => commandLine(child)[1] === "execute"),
    shims: processesNaming("caisson-shim").filter((shim) => ids.includes(commandLine(shim)[1] ?? "")),
  };
}

const commandLine = (pid: number): string[] => readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");

test("executors and shims run from sealed memory", () => {
  const ids = [start(engine, []), start(engine, ["-t", "--privileged"])];
  const { executors, shims } = ownProcesses(ids);
  expect(executors.length).toBeGreaterThan(0);
  expect(shims.length).toBe(2);
  for (const seen of look(...executors, ...shims)) {
    expectSealed(seen);
    // The bytes that both run are not the file of the disk.
    expect(seen.target).not.toContain(engine.directory);
  }
});

test("a container with every capability and the host's processes sees those of others before their exec, sealed", async () => {
  const before = digests();
  const watcher = must(engine, [
    "run",
    "-d",
    "--net=none",
    "--privileged",
    "--userns=host",
    "--pid=host",
    "watcher",
    "look",
    "watch",
  ]);
  // Not those whose end it saw while it looked.
  const seen = (): Look[] =>
    must(engine, ["logs", watcher])
      .split("\n")
      .filter(Boolean)
      .map(parse)
      .filter(({ errors }) => !errors.includes(ENOENT) && !errors.includes(ESRCH));
  // A container's process is its shim's copy until it executes its own program: some milliseconds.
  const target = start(engine, []);
  await eventually(
    "a container's process before its exec",
    () => {
      run(engine, [], ["true"]);
      must(engine, ["exec", target, "true"]);
      return seen().some(({ own }) => own) || undefined;
    },
    60,
  );
  const all = seen();
  expect(all.some(({ own }) => !own)).toBe(true);
  for (const one of all) expectSealed(one);
  expect((await inspect(engine, watcher)).State.Running).toBe(true);
  expect(digests()).toEqual(before);
});

test.each(["/proc/self/exe", "/evil"])(
  "%s as the program runs memory that tells of itself, and changes nothing",
  async (program) => {
    const script = Buffer.from("#!/proc/self/exe\n");
    await loadImage(engine, "self", [
      { type: "file", path: "evil", mode: 0o755, size: script.length, body: script },
    ]);
    const before = digests();
    const flags = ["--userns=host", "--privileged"];
    for (const more of [[], flags]) {
      const { code, stderr } = command(engine, ["run", "--rm", "--net=none", ...more, "self", program]);
      expect({ code, stderr }).toEqual({
        code: 125,
        stderr: "caisson-native: a part of caisson, not for use by hand: see PROTOCOL.md\n",
      });
    }
    const id = must(engine, ["run", "-d", "--net=none", ...flags, "self", "sleep", "1000"]);
    expect(command(engine, ["exec", id, program]).code).toBe(125);
    expect(digests()).toEqual(before);
  },
);

test("what a container's process runs is its own image's", async () => {
  const pid = await pidOf(engine, start(engine, []));
  expect(readlinkSync(`/proc/${pid}/exe`)).toBe("/bin/busybox");
});
