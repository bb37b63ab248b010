/**
 * Sessions of the native executor: forks, and what arrives in bytes. Needs `make -C native`.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, type ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { encodeProgram, Executor, KernelError, text } from "../../src/kernel/mod.ts";
import { binary, build, childrenOf, CWD, NONE, open, sleep } from "./programs.ts";

describe("fork", () => {
  let executor: Executor;

  beforeAll(() => {
    executor = Executor.start(binary);
  });
  afterAll(() => executor.close());

  test("forks run side by side and do not change the session's slots", async () => {
    const program = build((b) => {
      open(b, "/proc/uptime", b.slot("other"));
      sleep(b, 0.5);
    });
    const started = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => executor.fork(program)));
    expect(performance.now() - started).toBeLessThan(10 * 500);
  });

  test("the deadline kills it, and the session goes on meanwhile", async () => {
    const slow = build((b) => sleep(b, 1000));
    const started = performance.now();
    const stopped = executor.fork(slow, { deadline: 1000 }).then(
      () => "done",
      (error: unknown) => String(error),
    );
    await executor.run(build((b) => b.call("get the pid", "getpid", [])));
    expect(performance.now() - started).toBeLessThan(1000);
    expect(await stopped).toContain("deadline");
    expect(childrenOf(executor.pid)).toBe("");
  });

  test("its failure names the operation", async () => {
    const error = await executor
      .fork(build((b) => b.composite("fail", "fail", [28])))
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KernelError);
    expect(error).toMatchObject({ index: 0, errnoName: "ENOSPC" });
  });
});

/** A session that is spoken to in bytes. */
class RawSession {
  readonly child: ChildProcess = spawn(binary, ["execute"], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  readonly exited: Promise<number | null> = new Promise((resolve) =>
    this.child.on("exit", (code) => resolve(code)),
  );
  #buffer: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  constructor() {
    this.socket.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
  }

  get socket(): Duplex {
    return this.child.stdio[3] as Duplex;
  }

  send(kind: number, id: number, payload: Uint8Array): void {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(payload.length, 0);
    header.writeUInt16LE(kind, 4);
    header.writeBigUInt64LE(BigInt(id), 8);
    this.socket.write(Buffer.concat([header, payload]));
  }

  async reply(): Promise<{ id: number; status: number; index: number; errno: number }> {
    while (this.#buffer.length < 24 || this.#buffer.length < 24 + this.#buffer.readUInt32LE(0)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#buffer;
    this.#buffer = message.subarray(24 + message.readUInt32LE(0));
    return {
      id: Number(message.readBigUInt64LE(8)),
      status: message.readUInt16LE(6),
      index: message.readUInt32LE(16),
      errno: message.readUInt32LE(20),
    };
  }
}

describe("the wire", () => {
  test("malformed programs are refused by operation, and the session goes on", async () => {
    const session = new RawSession();
    const good = encodeProgram(
      build((b) => {
        b.call("one", "getpid", []);
        b.call("two", "readlinkat", [CWD, "/proc/self/exe", b.out(8), 8]);
      }),
    );
    const second = 32 + 120;
    const spoil: [string, (bytes: Buffer) => unknown, number][] = [
      ["magic", (bytes) => bytes.writeUInt32LE(1, 0), 0xffffffff],
      ["length", (bytes) => bytes.writeUInt32LE(bytes.length + 1, 4), 0xffffffff],
      ["operations", (bytes) => bytes.writeUInt32LE(1_000_000, 8), 0xffffffff],
      ["data offset", (bytes) => bytes.writeUInt32LE(0xfffffff8, 16), 0xffffffff],
      ["output length", (bytes) => bytes.writeUInt32LE(0xffffffff, 24), 0xffffffff],
      ["kind", (bytes) => bytes.writeUInt16LE(99, second), 1],
      ["number of arguments", (bytes) => bytes.writeUInt16LE(7, second + 10), 1],
      ["result slot", (bytes) => bytes.writeUInt16LE(3, second + 8), 1],
      ["data beyond the end", (bytes) => bytes.writeUInt32LE(0x7fffffff, second + 24 + 16 + 8), 1],
      [
        "data that wraps around",
        (bytes) => bytes.writeBigUInt64LE(0xffffffffffffffffn, second + 24 + 16 + 8),
        1,
      ],
      ["data without NUL", (bytes) => bytes.writeUInt32LE(5, second + 24 + 16 + 4), 1],
      ["output beyond the end", (bytes) => bytes.writeUInt32LE(9, second + 24 + 32 + 4), 1],
      ["a result of itself", (bytes) => bytes.set([4, 0, 0, 0, 0, 0, 0, 0, 1], second + 24), 1],
      ["fork", (bytes) => bytes.writeUInt32LE(process.arch === "x64" ? 57 : 220, second + 4), 1],
    ];
    for (const [what, change, index] of spoil) {
      const bytes = Buffer.from(good);
      change(bytes);
      session.send(1, 1, bytes);
      expect({ what, ...(await session.reply()) }).toEqual({ what, id: 1, status: 2, index, errno: 22 });
    }
    session.send(9, 2, good);
    expect((await session.reply()).status).toBe(2);
    session.send(1, 3, good);
    expect(await session.reply()).toEqual({ id: 3, status: 0, index: 0, errno: 0 });
    session.socket.end();
    expect(await session.exited).toBe(0);
  });

  test("a skip or a body may not leave the body around it", async () => {
    const session = new RawSession();
    const program = encodeProgram(
      build((b) => {
        const pid = b.call("one", "getpid", []);
        b.skipIf("skip", pid, "<0", 0, () => b.call("two", "getpid", []));
        const channel = b.slot("channel");
        b.clone("child", { flags: NONE, channel }, () => {
          b.skipIf("skip", pid, "<0", 0, () => b.call("three", "getpid", []));
        });
        b.composite("wait for it", "await", [channel, 2]);
      }),
    );
    const span = (operation: number, count: number) => {
      const bytes = Buffer.from(program);
      bytes.writeUInt32LE(count, 32 + operation * 120 + 4);
      return bytes;
    };
    // Out of the child's body; a body beyond the end.
    for (const [operation, count] of [
      [4, 2],
      [3, 9],
      [3, 0xffffffff],
    ] as const) {
      session.send(1, 1, span(operation, count));
      expect(await session.reply()).toMatchObject({ status: 2, index: operation });
    }
    // Over the whole child is fine.
    session.send(1, 1, span(1, 4));
    expect(await session.reply()).toMatchObject({ status: 0 });
    session.socket.end();
    expect(await session.exited).toBe(0);
  });

  test("random changes never crash it", async () => {
    let session = new RawSession();
    const program = encodeProgram(
      build((b) => {
        const [file, channel] = [b.slot("file"), b.slot("channel")];
        const out = b.out(32);
        open(b, "/proc/version", file);
        const length = b.composite("read", "read", [CWD, text("/proc/self/fd/", file), out, 0]);
        b.skipIf("skip", length, "<0", 0, () =>
          b.composite("compare", "compare", [{ ...out, size: 5 }, -1, 0x78756e694c, 22]),
        );
        b.composite("wait", "await", [channel, 2], { optional: true });
        b.composite("fail", "fail", [5], { tolerate: ["EIO"] });
      }),
    );
    // Calls by number stay what they are: a changed one would be performed.
    const calls = new Set([32, 33, 36, 37, 38, 39]);
    let seed = 20260101;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    const statuses = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(program);
      for (let n = random(3); n >= 0; n--) {
        const at = random(bytes.length);
        if (!calls.has(at)) bytes[at] = random(4) === 0 ? 255 : random(16);
      }
      session.send(1, i, bytes);
      // A changed program may well wait for ever.
      const reply = await Promise.race([session.reply(), Bun.sleep(500)]);
      if (reply === undefined) {
        expect(session.child.exitCode ?? session.child.signalCode).toBeNull();
        session.child.kill("SIGKILL");
        session = new RawSession();
        continue;
      }
      expect(reply.id).toBe(i);
      statuses.add(reply.status);
    }
    expect(statuses.has(0) && statuses.has(2)).toBe(true);
    session.socket.end();
    expect(await session.exited).toBe(0);
  });

  test("large programs and pipelined ones", async () => {
    const session = new RawSession();
    const large = build((b) =>
      b.call("one", "write", [-1, { kind: "bytes", value: new Uint8Array(40 << 20), text: "" }, 0]),
    );
    const small = encodeProgram(build((b) => b.call("one", "getpid", [])));
    session.send(1, 1, encodeProgram(large));
    for (let id = 2; id < 500; id++) session.send(1, id, small);
    expect(await session.reply()).toMatchObject({ id: 1, status: 1, index: 0, errno: 9 });
    for (let id = 2; id < 500; id++) expect(await session.reply()).toMatchObject({ id, status: 0 });
    session.socket.end();
    expect(await session.exited).toBe(0);
  });
});
