/**
 * Memory that runs out: the kernel takes a container first, the engine says that it did, and an engine with little memory
 * of its own works all the same.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, execute, inspect, must, pidOf, removeAll, run, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
}, 60_000 * patience);
afterAll(() => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const scoreOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

const before = scoreOf(process.pid);
/** A host may not let anybody lower it. */
const unprotected = ((): string | undefined => {
  if (before < 0) return "these tests themselves are spared";
  try {
    writeFileSync("/proc/self/oom_score_adj", String(before - 1));
    writeFileSync("/proc/self/oom_score_adj", String(before));
    return undefined;
  } catch {
    return "nobody may ask to be spared here";
  }
})();

testUnless(unprotected)("containers go before the engine and their shims", async () => {
  expect(scoreOf(engine.pid)).toBe(-500);
  const pid = await pidOf(engine, start(engine, []));
  expect(scoreOf(pid)).toBe(0);
  expect(scoreOf(parentOf(pid))).toBe(-500);
});

test("a container goes as soon as it was asked, and what is executed in it, too", async () => {
  const id = start(engine, ["--oom-score-adj=300"]);
  expect(scoreOf(await pidOf(engine, id))).toBe(300);
  expect(execute(engine, id, "cat /proc/self/oom_score_adj")).toBe("300");
  expect(scoreOf(parentOf(await pidOf(engine, id)))).toBe(scoreOf(engine.pid));
});

test(
  "a container that wants more than its limit is killed, and that is told",
  async () => {
    const since = Math.floor(Date.now() / 1000);
    // tail keeps a line until its end.
    const id = start(engine, ["--memory=16m", "--memory-swap=16m"], ["tail", "/dev/zero"]);
    await eventually("its end", async () => !(await inspect(engine, id)).State.Running, 60);
    const { State } = await inspect(engine, id);
    expect([State.OOMKilled, State.ExitCode]).toEqual([true, 137]);
    const until = Math.ceil(Date.now() / 1000) + 1;
    const events = must(engine, [
      "events",
      `--since=${since}`,
      `--until=${until}`,
      "--filter",
      `container=${id}`,
    ]);
    expect(events).toContain("container oom");
  },
  90_000 * patience,
);

const memory = "/sys/fs/cgroup/memory";
const noVersion1 = existsSync(join(memory, "memory.limit_in_bytes"))
  ? undefined
  : "no memory controller of version 1";

testUnless(noVersion1)(
  "an engine with little memory takes an archive larger than that, and answers all the while",
  async () => {
    const folder = join(memory, `caisson-engine-${process.pid}`);
    const limit = 400 << 20;
    mkdirSync(folder);
    try {
      writeFileSync(join(folder, "memory.limit_in_bytes"), String(limit));
      writeFileSync(join(folder, "cgroup.procs"), String(engine.pid));
      const id = start(engine, []);
      execute(engine, id, "dd if=/dev/urandom of=/big bs=1M count=500 2>/dev/null");
      must(engine, ["commit", id, "large"]);
      const archive = join(engine.directory, "large.tar");
      must(engine, ["save", "-o", archive, "large"]);
      must(engine, ["rmi", "large"]);
      must(engine, ["load", "-i", archive]);
      expect(run(engine, [], ["echo", "hello"]).stdout).toBe("hello\n");
      expect(readFileSync(join(folder, "memory.oom_control"), "utf8")).toContain("oom_kill 0");
    } finally {
      await removeAll(engine);
      // Back to where it was, so that the group can go.
      for (const pid of readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n"))
        if (pid !== "") writeFileSync(join(memory, "cgroup.procs"), pid);
      await eventually("the group's end", () => {
        try {
          rmdirSync(folder);
          return true;
        } catch {
          return undefined;
        }
      });
    }
  },
  300_000 * patience,
);
