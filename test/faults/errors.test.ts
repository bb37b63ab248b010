/**
 * What fails says which step of the program failed: its number, its words and its call are those of `explain`.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, eventually, must, removeAll, run, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noUnified } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  // Its parents of cgroups are no slices.
  engine = await TestEngine.start("--exec-opt=native.cgroupdriver=cgroupfs");
  await importBusybox(engine);
  // An image's first container has an init layer made; the programs of all others are alike.
  expect(run(engine, [], ["true"]).code).toBe(0);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

/** A step of a program. */
interface Step {
  readonly index: number;
  readonly label: string;
  readonly call: string;
}

/** The steps that `caisson explain run ARGS` prints. */
function explained(args: readonly string[]): Step[] {
  const { code, stdout, stderr } = engine.caisson(["explain", "run", ...args]);
  if (code !== 0) throw new Error(`explain: ${stderr}`);
  const steps = [...stdout.matchAll(/^ *(\d+) +# (.*)\n +(.*)$/gm)];
  return steps.map(([, index, label = "", call = ""]) => ({ index: Number(index), label, call }));
}

/** What an error says of a step: `…: LABEL: CALL: ERRNO (…) [step N]`. */
function expectStepOf(error: string, steps: readonly Step[], errno: string, label: string): void {
  const index = Number(/ \[step (\d+)\]/.exec(error)?.[1]);
  const step = steps.find((candidate) => candidate.index === index);
  expect(step?.label).toBe(label);
  // A call names the container's id where it names its folder: explain's is another one.
  expect(withoutIds(error)).toContain(withoutIds(`: ${step?.label ?? ""}: ${step?.call ?? ""}: ${errno} (`));
}

const withoutIds = (text: string): string => text.replaceAll(/[0-9a-f]{64}/g, "ID");

describe("a bind's source that vanished after the container was made", () => {
  test.each([
    ["a directory", (path: string): unknown => mkdirSync(path)],
    ["a file", (path: string): unknown => writeFileSync(path, "")],
  ])("%s", (_, make) => {
    const source = join(mkdtempSync(join(engine.directory, "source.")), "it");
    make(source);
    const args = ["--net=none", `--mount=type=bind,src=${source},dst=/x`, "busybox", "true"];
    const steps = explained(args);
    const id = must(engine, ["create", ...args]);
    rmSync(source, { recursive: true });
    const { code, stderr } = command(engine, ["start", id]);
    expect(code).toBe(1);
    expectStepOf(stderr, steps, "ENOENT", `take ${source} for /x`);
  });
});

test("an entrypoint without its x bit", () => {
  const args = ["--rm", "--net=none", "--hostname=h", "--entrypoint=/etc/passwd", "busybox"];
  const { code, stderr } = command(engine, ["run", ...args]);
  expect(code).toBe(126);
  expect(stderr).toContain('exec: "/etc/passwd": permission denied');
  expectStepOf(stderr, explained(args), "EACCES", "execute /etc/passwd");
});

describe("a limit on processes that is reached already", () => {
  // Version 1 lets a process move into a full cgroup and refuses only what it makes there: the container's process is made
  // inside where another's namespaces are joined. Version 2 refuses to have a process born there.
  test("by a parent cgroup's other processes", () => {
    const parent = `/caisson-full-${process.pid}`;
    const sleeper = engine.spawnInside("sleep", ["1000"]);
    const folder = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((root) =>
      readdirSync("/sys/fs/cgroup").includes("pids") ? root.endsWith("pids") : !root.endsWith("pids"),
    );
    const full = `${folder ?? ""}${parent}`;
    const other = start(engine, []);
    try {
      const args = ["--rm", `--net=container:${other}`, `--cgroup-parent=${parent}`, "busybox", "true"];
      // The container's own cgroup is made by the program; its parent's limit holds for it.
      // The other process has one too: version 2 has no processes beside cgroups.
      mkdirSync(join(full, "other"), { recursive: true });
      writeFileSync(join(full, "pids.max"), "1");
      writeFileSync(join(full, "other/cgroup.procs"), String(sleeper.pid));
      const steps = explained(args);
      const { code, stderr } = command(engine, ["run", ...args]);
      expect(code).toBe(125);
      const first = noUnified === undefined ? "make the process between" : "make the container's process";
      expectStepOf(stderr, steps, "EAGAIN", first);
    } finally {
      sleeper.kill("SIGKILL");
      removeEmpty(join(full, "other"));
      for (const root of readdirSync("/sys/fs/cgroup")) removeEmpty(`/sys/fs/cgroup/${root}${parent}`);
      removeEmpty(full);
    }
  });

  test("by the container's own: for an exec, which has no explain", () => {
    const id = start(engine, ["--pids-limit=1"]);
    const { code, stdout, stderr } = command(engine, ["exec", id, "true"]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(
      /: make the process( between)?: clone\(.*\): EAGAIN \(resource temporarily unavailable\) \[step \d+\]/,
    );
    must(engine, ["rm", "-f", id]);
  });
});

/** A cgroup goes when its last process is gone, which takes a moment. */
function removeEmpty(path: string): void {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") return;
      Bun.sleepSync(20);
    }
  }
}

test("explain makes nothing", async () => {
  // What was removed may still be about to be deleted.
  const files = (): string[] =>
    (readdirSync(engine.dataRoot, { recursive: true }) as string[]).filter(
      (path) => !path.includes("trash/"),
    );
  // Nor does anybody wait for what an earlier test's containers leave.
  await eventually(
    "no container's files",
    () => !files().some((path) => /containers\/[0-9a-f]{64}/.test(path)),
  );
  const before = files();
  const options = ["--net=none", "--memory=64m", "--cap-drop=ALL", "-v", "unmade:/v"];
  const calls = explained([...options, "busybox", "true"]).map(({ call }) => call);
  for (const word of ["clone", "pivot_root", "overlay", "proc", "seccomp", "execve", "capset", "memory"])
    expect(calls.some((call) => call.includes(word))).toBe(true);
  expect((await engine.request("GET", "/containers/json?all=1")).json<object[]>()).toEqual([]);
  expect(files()).toEqual(before);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(engine.directory);
});
