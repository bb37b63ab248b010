/**
 * File descriptors that are used up: what needs one says so, nothing else breaks, and none is lost on the way.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { ApiClient } from "../support/api.ts";
import { eventually, execute, must, run, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";

let engine: TestEngine;
let api: ApiClient;
beforeAll(async () => {
  engine = await TestEngine.start();
  api = new ApiClient(engine, 1);
  await importBusybox(engine);
}, 60_000 * patience);
afterAll(async () => {
  api[Symbol.dispose]();
  await engine[Symbol.asyncDispose]();
});

const used = (): number => readdirSync(`/proc/${engine.pid}/fd`).length;

/** Lets the engine have so many descriptors; what is open stays open. */
function allow(count: number): void {
  const args = ["--pid", String(engine.pid), `--nofile=${count}:`];
  const { status, stderr } = spawnSync("prlimit", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

const plenty = 10_000;

test(
  "clients that connect and say nothing use them up: once they are gone everything works",
  async () => {
    const id = start(engine, []);
    const before = used();
    allow(before + 30);
    const idle: Socket[] = Array.from({ length: 100 }, () =>
      connect(engine.socket).on("error", () => undefined),
    );
    try {
      await eventually("all of them used", () => used() >= before + 28 || undefined);
    } finally {
      for (const socket of idle) socket.destroy();
    }
    await eventually("them free again", () => used() <= before + 5 || undefined, 30);
    expect(run(engine, [], ["echo", "hello"]).stdout).toBe("hello\n");
    expect(execute(engine, id, "echo alive")).toBe("alive");
    allow(plenty);
    must(engine, ["rm", "-f", id]);
  },
  90_000 * patience,
);

test(
  "a request for which there is none left is refused, and leaves none open",
  async () => {
    const body = {
      Image: "busybox",
      Cmd: ["true"],
      HostConfig: { NetworkMode: "none", Binds: ["/tmp:/x"] },
    };
    // The connection is there.
    expect((await api.call("POST", "/containers/create", body)).status).toBe(201);
    const before = used();
    const statuses = new Set<number>();
    for (let spare = 0; spare < 8; spare++) {
      allow(before + spare);
      const { status, text } = await api.call("POST", "/containers/create", body);
      statuses.add(status);
      if (status !== 201)
        expect([status, text]).toEqual([500, expect.stringContaining("too many open files")]);
    }
    expect(statuses).toContain(500);
    allow(plenty);
    await eventually("as many as before", () => used() <= before || undefined, 30);
    expect((await api.call("POST", "/containers/create", body)).status).toBe(201);
    expect(engine.log()).not.toContain("uncaught");
  },
  90_000 * patience,
);
