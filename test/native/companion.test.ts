/**
 * The operation COMPANION: needs `make -C native` and root.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CLONE,
  Executor,
  flags,
  KernelError,
  vector,
  type Program,
  type ProgramBuilder,
} from "../../src/kernel/mod.ts";
import { binary, build } from "./programs.ts";
import { Control, ended, HELD, shell, shimIn, until } from "./shims.ts";

let scratch: string;
let executor: Executor;
const processes: number[] = [];

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "caisson-companion-test-"));
  Bun.spawnSync(["mkfifo", join(scratch, "fifo")]);
  executor = Executor.start(binary);
});
afterEach(() => {
  for (const pid of processes.splice(0)) process.kill(pid, "SIGKILL");
});
afterAll(() => {
  executor.close();
  rmSync(scratch, { recursive: true });
});

const borrowed = flags(CLONE, "VM", "VFORK");

/** Adds a companion that runs `script`, whose first argument tells it from others. */
function companion(b: ProgramBuilder, script: string, mark: string): void {
  const [channel, pidfd] = [b.slot(`channel of ${mark}`), b.slot(`pidfd of ${mark}`)];
  const pid = b.clone(`start ${mark}`, { flags: borrowed, channel, pidfd }, () => {
    b.call("execute", "execve", [
      "/bin/sh",
      vector(["sh", "-c", script, mark]),
      vector(["PATH=/usr/bin:/bin"]),
    ]);
  });
  b.composite(`${mark} ends with the container`, "companion", [pid, pidfd]);
  b.composite(`wait until ${mark} runs`, "await", [channel, 2]);
  b.composite(`let go of ${mark}`, "close", [pidfd]);
}

/** A process's state and its parent, or undefined when there is none. */
function processOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const [state = "", parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** PIDs of processes whose command line ends with `mark`. */
function marked(mark: string): number[] {
  const { stdout } = Bun.spawnSync(["pgrep", "-f", `${mark}$`]);
  return stdout.toString().trim().split("\n").filter(Boolean).map(Number);
}

/** A container's program that reads a line, and two companions before it. */
function accompanied(scripts: readonly string[], mark: string): Program {
  return shell("read line", {
    before: (b) => scripts.forEach((script, i) => companion(b, script, `${mark}-${i}`)),
  });
}

/** A script that ignores SIGTERM and stays, without a child: nobody ever opens the other end. */
const stays = (): string => `trap '' TERM; read line < ${scratch}/fifo`;

test("companions are gone when the exit is told, however they hold on", async () => {
  const mark = `${scratch}-gone`;
  const shim = shimIn(scratch, accompanied([stays(), stays()], mark), { openStdin: true });
  const { pid, exited } = await executor.shim(shim);
  const companions = [...marked(`${mark}-0`), ...marked(`${mark}-1`)];
  expect(companions).toHaveLength(2);
  const parent = processOf(pid)?.parent;
  expect(companions.map((each) => processOf(each)?.parent)).toEqual([parent, parent]);
  process.kill(pid, "SIGKILL");
  const seen = exited.then(() => companions.map(processOf));
  expect(await seen).toEqual([undefined, undefined]);
  expect(await ended(shim)).toMatchObject({ code: 137 });
});

test("one that dies earlier is reaped, and the container goes on", async () => {
  const mark = `${scratch}-early`;
  const shim = shimIn(scratch, accompanied(["sleep 0.2", stays()], mark), {
    openStdin: true,
  });
  const { pid, exited } = await executor.shim(shim);
  processes.push(pid);
  const [early = 0] = marked(`${mark}-0`);
  await until("it is reaped", () => processOf(early) === undefined);
  expect(marked(`${mark}-1`)).toHaveLength(1);
  process.kill(processes.pop() ?? 0, "SIGKILL");
  await exited;
  expect(marked(`${mark}-1`)).toEqual([]);
});

test("when the program fails, its companions end before that is told", async () => {
  const mark = `${scratch}-failed`;
  const program = shell("read line", {
    before: (b) => {
      companion(b, stays(), mark);
      b.call("fail", "close", [-1]);
    },
  });
  const error = await executor.shim(shimIn(scratch, program)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KernelError);
  expect(error).toMatchObject({ errnoName: "EBADF" });
  expect(marked(mark)).toEqual([]);
});

test("there may be more than one program can have children", async () => {
  const program = shell("true", {
    before: (b) => {
      const [channel, pidfd] = [b.slot("channel"), b.slot("pidfd")];
      for (let i = 0; i < 1100; i++) {
        const pid = b.clone("start one", { flags: borrowed, channel, pidfd }, () => {
          b.call("execute", "execve", ["/bin/true", vector(["true"]), vector([])]);
        });
        b.composite("it ends with the container", "companion", [pid, pidfd]);
      }
    },
  });
  const { exited } = await executor.shim(shimIn(scratch, program));
  expect(await exited).toMatchObject({ code: 0 });
}, 60_000);

/** What the descriptors of a process are. */
function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "closed meanwhile";
    }
  });
}

test("a process that is being started holds nothing by which it could reach them", async () => {
  const mark = `${scratch}-held`;
  const program = shell("read line", { hold: true, before: (b) => companion(b, stays(), mark) });
  const shim = shimIn(scratch, program, { openStdin: true });
  const started = executor.shim(shim).catch((thrown: unknown) => thrown);
  const { pid } = await (await Control.to(shim)).reached(HELD);
  processes.push(pid);
  expect(descriptors(Number(processOf(pid)?.parent)).some((what) => what.includes("pidfd"))).toBe(true);
  // It closes what it has of the shim's first of all.
  await until("it has none", () => descriptors(pid).every((what) => !what.includes("pidfd")));
  process.kill(processes.pop() ?? 0, "SIGKILL");
  expect(await started).toBeInstanceOf(KernelError);
  expect(marked(`${mark}`)).toEqual([]);
});

test("in an executor there are none", async () => {
  const mark = `${scratch}-executor`;
  const error = await executor
    .run(build((b) => companion(b, stays(), mark)))
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ errnoName: "ENOSYS" });
  expect(marked(mark)).toEqual([]);
});
