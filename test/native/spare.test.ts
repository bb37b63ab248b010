/**
 * The shim that waits before it is needed, and what a shim keeps until its process has exited.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytes, Executor, flags, O, type Program, type ShimOptions } from "../../src/kernel/mod.ts";
import { binary, CWD } from "./programs.ts";
import { ended, shell, shimIn, until } from "./shims.ts";

let scratch: string;
let executor: Executor;
const processes: number[] = [];

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "caisson-spare-test-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));
beforeEach(() => {
  executor = Executor.start(binary);
});
afterEach(() => {
  for (const pid of processes.splice(0)) process.kill(pid, "SIGKILL");
  executor.close();
});

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Shims whose standard descriptors and memory come from this executor: told by the sealed file that they run from. */
function shims(): { pid: number; title: string }[] {
  const inode = (pid: number): string => readlinkSync(`/proc/${pid}/exe`) + statInode(pid);
  const mine = inode(executor.pid);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const [name0, title = ""] = commandLine(pid);
      if (name0 !== "caisson-shim") return [];
      try {
        return inode(pid) === mine ? [{ pid, title: title.trim() }] : [];
      } catch {
        return [];
      }
    });
}

function statInode(pid: number): string {
  const line = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n", 1)[0] ?? "";
  return line.split(/\s+/)[4] ?? "";
}

const spares = (): number[] => shims().flatMap(({ pid, title }) => (title === "spare" ? [pid] : []));

/** Starts a shim with this id and waits until the next one stands by. */
async function started(id: string): Promise<ShimOptions> {
  const shim = shimIn(scratch, shell("read line"), { id, openStdin: true });
  processes.push((await executor.shim(shim)).pid);
  await until("a spare shim", () => spares().length === 1);
  return shim;
}

test("after the first start one stands by, the next start takes it and it shows its new id", async () => {
  expect(spares()).toEqual([]);
  await started("a".repeat(64));
  const [spare] = spares();
  await started("b".repeat(64));
  expect(shims().find(({ title }) => title === "b".repeat(64))?.pid).toBe(spare ?? 0);
  expect(spares()).not.toEqual([spare]);
});

test("a spare has nothing but its sockets and /dev/null, and leaves with its session", async () => {
  await started("c".repeat(64));
  const [spare = 0] = spares();
  const open = readdirSync(`/proc/${spare}/fd`).map((fd) => readlinkSync(`/proc/${spare}/fd/${fd}`));
  const others = open.filter((target) => target !== "/dev/null");
  expect(others.every((target) => target.startsWith("socket:"))).toBe(true);
  // Its own, and that to the engine.
  expect([1, 2]).toContain(others.length);
  executor.close();
  await until("its end", () => commandLine(spare).length === 0 || commandLine(spare)[0] === "");
});

test("a spare that somebody killed is not missed", async () => {
  await started("d".repeat(64));
  process.kill(spares()[0] ?? 0, "SIGKILL");
  await until("its end", () => spares().length === 0);
  const shim = shimIn(scratch, shell("exit 7"));
  await executor.shim(shim);
  expect(await ended(shim)).toMatchObject({ code: 7 });
});

test("what is kept stays open until the exit and not longer; other slots close at the start", async () => {
  const held = mkdtempSync(join(scratch, "held-"));
  mkdirSync(join(held, "kept"));
  mkdirSync(join(held, "other"));
  const program = keeping(held);
  const shim = shimIn(scratch, program, { openStdin: true });
  const { pid, exited } = await executor.shim(shim);
  const holder = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  const open = (): string[] =>
    readdirSync(`/proc/${holder}/fd`)
      .map((fd) => readlinkSync(`/proc/${holder}/fd/${fd}`))
      .filter((target) => target.startsWith(held));
  await until("the other slot's end", () => open().length === 1);
  expect(open()).toEqual([join(held, "kept")]);
  process.kill(pid, "SIGKILL");
  await exited;
  await until("the shim's end", () => !existsSync(`/proc/${holder}`) || commandLine(holder)[0] === "");
});

/** A shell's program that also opens two directories and keeps one. */
function keeping(held: string): Program {
  return shell("read line", {
    before: (b) => {
      const how = flags(O, "RDONLY", "DIRECTORY", "CLOEXEC");
      const kept = b.slot("kept");
      b.call("open what is kept", "openat", [CWD, join(held, "kept"), how], { into: kept });
      b.call("open another", "openat", [CWD, join(held, "other"), how], { into: b.slot("other directory") });
      b.composite("keep it", "keep", [
        bytes(new Uint8Array(new Uint16Array([kept.index]).buffer), "[<kept>]"),
        0,
      ]);
    },
  });
}
