import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { failure } from "../../errors/mod.ts";
import { Forwarder, type ForwarderOptions } from "./forwarder.ts";
import { placePath } from "./place.ts";
import type { LogSink, RemoteLog } from "./remote.ts";

let folder: string;
let path: string;
const told: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-forwarder-"));
  path = join(folder, "log");
  told.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const tell = (message: string): void => void told.push(message);
const log = { debug: tell, info: tell, warn: tell, error: tell };

function write(...texts: readonly string[]): void {
  const time = "2026-01-02T03:04:05.6Z";
  appendFileSync(
    path,
    texts.map((text) => `${JSON.stringify({ log: `${text}\n`, stream: "stdout", time })}\n`).join(""),
  );
}

/** A server that keeps what it gets; `down` while it can't be reached. */
class Server {
  readonly got: string[] = [];
  connections = 0;
  down = false;
  /** Before each batch is taken. */
  gate: Promise<void> = Promise.resolve();
  /** Resolves when it is sent something. */
  readonly asked: PromiseWithResolvers<void> = Promise.withResolvers();
  certain = true;

  get remote(): RemoteLog {
    return {
      encode: ({ text }) => Buffer.from(text),
      connect: async () => this.#connect(),
      connectsAtStart: true,
      retryWait: 5,
      batch: 10,
    };
  }

  #connect(): LogSink {
    if (this.down) throw failure("unavailable", { message: "nobody there" });
    this.connections++;
    const { certain } = this;
    return {
      certain,
      send: async (messages) => {
        this.asked.resolve();
        await this.gate;
        if (this.down) throw failure("unavailable", { message: "gone" });
        this.got.push(...messages.map(String));
      },
      close: () => undefined,
    };
  }
}

function forward(server: Server, options: Partial<ForwarderOptions> = {}): Forwarder {
  const host = {
    session: (): never => {
      throw failure("internal", { message: "not needed" });
    },
    has: async () => true,
    read: async () => new Uint8Array(),
  };
  return new Forwarder({ path, remote: server.remote, id: "c", host, log, ...options });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await delay(5);
  expect(condition()).toBe(true);
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`);

test("what is written is sent, over rotations, and files that were sent are marked", async () => {
  const server = new Server();
  const forwarder = forward(server);
  write(...numbers(1, 5));
  await until(() => server.got.length === 5);
  expect(statSync(path).mode & 0o1000).toBe(0);
  write("line 6");
  renameSync(path, `${path}.1`);
  write(...numbers(7, 9));
  forwarder.finish();
  await forwarder.done;
  expect(server.got).toEqual(numbers(1, 9));
  expect(statSync(`${path}.1`).mode & 0o1000).toBe(0o1000);
  expect(server.connections).toBe(1);
});

test("the next one goes on where the last one was", async () => {
  const server = new Server();
  write(...numbers(1, 50));
  const first = forward(server);
  await until(() => server.got.length > 5);
  await first.stop();
  const second = forward(server);
  second.finish();
  await second.done;
  expect(server.got).toEqual(numbers(1, 50));
  write("line 51");
  const third = forward(server);
  third.finish();
  await third.done;
  expect(server.got.at(-1)).toBe("line 51");
  expect(server.got).toHaveLength(51);
});

test("without its place it begins with the oldest file that isn't marked", async () => {
  const server = new Server();
  write("old");
  renameSync(path, `${path}.1`);
  write("new");
  const first = forward(server);
  first.finish();
  await first.done;
  expect(server.got).toEqual(["old", "new"]);
  rmSync(placePath(path));
  const second = forward(server);
  second.finish();
  await second.done;
  expect(server.got).toEqual(["old", "new", "new"]);
});

test("a server that is gone is tried again; it is said once", async () => {
  const server = new Server();
  server.down = true;
  write(...numbers(1, 3));
  const forwarder = forward(server);
  await delay(60);
  server.down = false;
  forwarder.finish();
  await forwarder.done;
  expect(server.got).toEqual(numbers(1, 3));
  expect(told.filter((text) => text.includes("nobody there"))).toHaveLength(1);
});

test("what an uncertain connection took in its last second is sent again", async () => {
  const server = new Server();
  server.certain = false;
  const forwarder = forward(server);
  write("line 1");
  await until(() => server.got.length === 1);
  server.down = true;
  write("line 2");
  await delay(50);
  server.down = false;
  forwarder.finish();
  await forwarder.done;
  expect(server.got).toEqual(["line 1", "line 1", "line 2"]);
});

test("after so many tries lines are given up and counted", async () => {
  const server = new Server();
  server.down = true;
  write("line 1");
  const forwarder = forward(server, { remote: { ...server.remote, retries: 2 } });
  forwarder.finish();
  await forwarder.done;
  expect(told.join("\n")).toContain("1 lines of the log of container c were not sent");
});

test("with a buffer only the newest lines wait", async () => {
  const server = new Server();
  const gate = Promise.withResolvers<void>();
  server.gate = gate.promise;
  write("line 1");
  const forwarder = forward(server, { buffer: 400 });
  await server.asked.promise;
  write(...numbers(2, 50));
  renameSync(path, `${path}.1`);
  write(...numbers(51, 100));
  gate.resolve();
  forwarder.finish();
  await forwarder.done;
  expect(server.got[0]).toBe("line 1");
  expect(server.got.slice(1)).toEqual(numbers(101 - (server.got.length - 1), 100));
  expect(server.got.length).toBeLessThan(10);
  const lost = told.flatMap((text) => /^(\d+) lines/.exec(text)?.[1] ?? []).map(Number);
  expect(lost.reduce((sum, n) => sum + n, 0)).toBe(100 - server.got.length);
});

test("the place is whole or not there", async () => {
  const server = new Server();
  write("line 1");
  const forwarder = forward(server);
  forwarder.finish();
  await forwarder.done;
  expect(JSON.parse(readFileSync(placePath(path), "utf8"))).toEqual({
    file: expect.stringMatching(/^\d+:\d+$/),
    offset: statSync(path).size,
  });
  expect(existsSync(`${placePath(path)}.new`)).toBe(false);
});
