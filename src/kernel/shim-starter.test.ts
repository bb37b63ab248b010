import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors/mod.ts";
import type { Outcome } from "./executor.ts";
import { KernelError } from "./failure.ts";
import { ProgramBuilder, type Operation, type Program } from "./program.ts";
import type { ShimOptions } from "./shim-configuration.ts";
import { ShimStarter, type StartedShim } from "./shim-starter.ts";

const scratch = mkdtempSync(`${tmpdir()}/caisson-starter-`);
const servers: Server[] = [];
const starters: ShimStarter[] = [];
afterEach(() => {
  for (const starter of starters.splice(0)) starter.close();
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rmSync(scratch, { recursive: true }));

const [STARTING, HELD, RUNNING, EXITED, FAILED] = [0, 1, 2, 3, 4];

function state(phase: number, more: { code?: number; index?: number; errno?: number } = {}): Buffer {
  const message = Buffer.alloc(48);
  message.writeUInt32LE(40, 0);
  message.writeUInt16LE(1, 4);
  message.writeUInt8(phase, 8);
  message.writeInt32LE(42, 12);
  message.writeInt32LE(more.code ?? 0, 16);
  message.writeBigUInt64LE(7n, 24);
  message.writeUInt32LE(more.index ?? 0, 40);
  message.writeUInt32LE(more.errno ?? 0, 44);
  return message;
}

/** What a shim does once it has got all of its work. */
type Life = (line: Socket, orders: AsyncIterator<number>) => void | Promise<void>;

/** Listens as a shim does. */
function listen(path: string, life: Life, lines: Set<Socket>): Promise<void> {
  const server = createServer((line) => {
    lines.add(line);
    let bytes = Buffer.alloc(0);
    let whole = Infinity;
    const arrived: number[] = [];
    let wake = (): void => undefined;
    const orders = (async function* () {
      for (;;) {
        while (arrived.length === 0) await new Promise<void>((next) => (wake = next));
        yield arrived.shift() ?? 0;
      }
    })();
    line.on("error", () => line.destroy());
    line.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (whole === Infinity && bytes.length >= 8) {
        expect(bytes.readUInt8(0)).toBe(3);
        whole = 8 + bytes.readUInt32LE(4);
      }
      if (bytes.length < whole) return;
      if (whole > 0) {
        bytes = bytes.subarray(whole);
        whole = 0;
        void life(line, orders);
      }
      for (; bytes.length >= 8; bytes = bytes.subarray(8)) arrived.push(bytes.readUInt8(0));
      wake();
    });
  });
  servers.push(server);
  return new Promise((listening) => server.listen(path, listening));
}

/** An executor that makes shims with this life, and what it was told to do. */
function executor(life: Life): {
  readonly starter: ShimStarter;
  readonly programs: (readonly Operation[])[];
  readonly lines: Set<Socket>;
} {
  const programs: (readonly Operation[])[] = [];
  const lines = new Set<Socket>();
  const run = async ({ operations }: Program): Promise<Outcome> => {
    programs.push(operations);
    const argument = (call: string, n: number): string => {
      const value = operations.find((operation) => operation.call === call)?.args[n];
      return typeof value === "string" ? value : "";
    };
    const bind = operations.find(({ call }) => call === "bind");
    if (bind === undefined) {
      renameSync(argument("renameat2", 1), argument("renameat2", 3));
    } else {
      const name = argument("unlinkat", 1);
      rmSync(`${argument("chdir", 0)}/${name}`, { force: true });
      await listen(`${argument("chdir", 0)}/${name}`, life, lines);
    }
    return { valueOf: () => 0, bytesOf: () => new Uint8Array() };
  };
  const starter = new ShimStarter({ pid: process.pid, run }, `${scratch}/native${starters.length}`);
  starters.push(starter);
  return { starter, programs, lines };
}

const runs: Life = (line) => void line.write(Buffer.concat([state(STARTING), state(RUNNING)]));

function shim(): ShimOptions {
  const b = new ProgramBuilder();
  b.call("open the door", "openat", [0, "/door", 0]);
  return {
    id: "a",
    directory: mkdtempSync(`${scratch}/shim-`),
    program: b.build(),
    tty: false,
    openStdin: false,
    stdinOnce: false,
    expectedAttaches: 0,
    rows: 0,
    columns: 0,
  };
}

const calls = (operations: readonly Operation[] | undefined): string[] =>
  (operations ?? []).map(({ call }) => call);

test("the executor prepares and makes a process; the shim's own word is what counts", async () => {
  const { starter, programs } = executor((line) => {
    line.write(Buffer.concat([state(STARTING), state(RUNNING)]));
    line.write(state(EXITED, { code: 3 }));
  });
  const started = await starter.start(shim(), {
    prepare: (b) => void b.call("prepare", "mkdirat", [0, "/x", 0]),
  });
  expect(calls(programs[0]).slice(0, 2)).toEqual(["mkdirat", "clone"]);
  expect([started.pid, started.started]).toEqual([42, 7n]);
  expect(await started.exited).toMatchObject({ code: 3, signal: 0 });
  started.line.close();
});

test("in a lull one is made that waits: the next start moves its socket and takes it", async () => {
  const { starter, programs, lines } = executor(runs);
  await starter.start(shim());
  while (lines.size < 2) await Bun.sleep(1);
  const second = await starter.start(shim());
  expect(calls(programs[1])[0]).toBe("clone");
  expect(calls(programs[2])).toEqual(["renameat2"]);
  expect(second.pid).toBe(42);
});

test("one that was killed while it waited is not missed", async () => {
  const { starter, programs, lines } = executor(runs);
  await starter.start(shim());
  while (lines.size < 2) await Bun.sleep(1);
  for (const line of lines) line.destroy();
  const started = await starter.start(shim());
  expect(started.pid).toBe(42);
  expect(calls(programs.at(-1))).toContain("clone");
});

test("one that waits leaves with its starter, those that work stay", async () => {
  const { starter, lines } = executor(runs);
  const { exited } = await starter.start(shim());
  while (lines.size < 2) await Bun.sleep(1);
  const [working, waiting] = lines;
  const gone = new Promise((resolve) => waiting?.once("close", resolve));
  starter.close();
  await gone;
  working?.write(state(EXITED, { code: 9 }));
  expect(await exited).toMatchObject({ code: 9 });
});

test.each([
  [{ index: 0, errno: 2 }, 'openat(0, "/door", 0): ENOENT (no such file or directory) [step 0]'],
  [{ index: 0xfffffff3, errno: 13 }, "start it: open the log: EACCES (permission denied)"],
  [{ index: 0xffffffff, errno: 4096 }, "start it: the executor refused the program as malformed"],
  [{ index: 0, errno: 4096 }, "refused the program as malformed (operation 0)"],
])("%p is told as %p", async (failure, text) => {
  const { starter } = executor((line) => {
    line.end(Buffer.concat([state(STARTING), state(FAILED, failure)]));
  });
  expect(await starter.start(shim(), { doing: "start it" }).then(() => "", messageOf)).toContain(text);
});

test("one that goes without a word has failed; one that is late is told so", async () => {
  const gone = executor((line) => void line.end(state(STARTING)));
  const error = await gone.starter.start(shim()).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KernelError);
  expect(error).toMatchObject({ index: 0xffffffff, errnoName: "ECHILD" });
  const silent = executor((line) => void line.write(state(STARTING)));
  expect(await silent.starter.start(shim(), { deadline: 1 }).then(() => "", messageOf)).toContain(
    "was stopped: the deadline passed",
  );
});

test("while it is held something is done, then it goes on; or it is killed and the reason told", async () => {
  const [SIGNAL, GO] = [1, 5];
  const life: Life = async (line, orders) => {
    line.write(Buffer.concat([state(STARTING), state(HELD)]));
    const { value: order } = await orders.next();
    line.write(
      order === GO ? state(RUNNING) : state(FAILED, { index: 0, errno: order === SIGNAL ? 10 : 22 }),
    );
  };
  const pids: number[] = [];
  const { starter } = executor(life);
  const held = async (pid: number): Promise<void> => void pids.push(pid);
  const started = await starter.start(shim(), { held });
  expect([started.pid, ...pids]).toEqual([42, 42]);
  const fails = async (): Promise<void> => {
    throw new KernelError(shim().program, 0, 13, "plug it in");
  };
  expect(await starter.start(shim(), { held: fails }).then(() => "", messageOf)).toStartWith("plug it in: ");
});

/** Starts a shim and keeps nothing of it but its line. */
async function startAndForget(
  starter: ShimStarter,
): Promise<{ readonly started: StartedShim; readonly program: WeakRef<Program> }> {
  const options = shim();
  return { started: await starter.start(options), program: new WeakRef(options.program) };
}

test("a program is forgotten once its process runs, as long as that may be; its end is heard of all the same", async () => {
  const ends: (() => void)[] = [];
  const { starter } = executor((line) => {
    line.write(Buffer.concat([state(STARTING), state(RUNNING)]));
    ends.push(() => void line.write(state(EXITED, { code: 5 })));
  });
  const running: Awaited<ReturnType<typeof startAndForget>>[] = [];
  while (running.length < 8) running.push(await startAndForget(starter));
  // What lies on the stack keeps one now and then.
  const kept = (): number => running.filter(({ program }) => program.deref() !== undefined).length;
  for (let i = 0; i < 200 && kept() > 2; i++) {
    await sleep(1);
    Bun.gc(true);
  }
  expect(kept()).toBeLessThanOrEqual(2);
  for (const end of ends) end();
  for (const { started } of running) expect(await started.exited).toMatchObject({ code: 5 });
});
