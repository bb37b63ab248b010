/**
 * Much input through `run -i IMAGE cat` and back: whole, in memory that doesn't grow with it. bench/stdin.bench.ts does
 * the same with 1 GiB.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { dockerEnvironment, dockerPath } from "../support/docker.ts";
import { caisson, TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

/** What the engine may take beyond what it had, and what a shim may have in all: of any size of input. */
const engineGrowthKiB = 96 * 1024;
const shimKiB = 1024;
const piece = randomBytes(1 << 20);

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

const statusOf = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** Peak of the shim of the container `name`, as far as it lives. */
async function shimPeak(name: string): Promise<number> {
  try {
    const { State } = (await engine.request("GET", `/containers/${name}/json`)).json<{
      State: { Pid: number };
    }>();
    return statusOf(statusOf(State.Pid, "PPid"), "VmHWM");
  } catch {
    return 0;
  }
}

test.each([
  ["none", 256],
  ["json-file", 64],
])(
  "log driver %s: %i MiB",
  async (driver, megabytes) => {
    const before = statusOf(engine.pid, "VmRSS");
    const name = `stdin-${driver}`;
    const flags = ["run", "-i", "--rm", "--net=none", `--log-driver=${driver}`, `--name=${name}`];
    const child = spawn(dockerPath ?? caisson, [...flags, "busybox", "cat"], {
      env: { ...dockerEnvironment(engine), CAISSON_HOST: engine.host },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const sent = createHash("sha256");
    const came = createHash("sha256");
    let length = 0;
    function* input(): Generator<Buffer> {
      for (let i = 0; i < megabytes; i++) {
        const chunk = Buffer.concat([Buffer.from([i & 0xff, i >> 8]), piece.subarray(2)]);
        sent.update(chunk);
        yield chunk;
      }
    }
    const received = (async (): Promise<void> => {
      for await (const chunk of child.stdout) {
        came.update(chunk as Buffer);
        length += (chunk as Buffer).length;
      }
    })();
    let peak = 0;
    let shim = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, statusOf(engine.pid, "VmRSS"));
      void shimPeak(name).then((kib) => (shim = Math.max(shim, kib)));
    }, 100);
    try {
      await pipeline(Readable.from(input()), child.stdin);
      await received;
    } finally {
      clearInterval(watch);
    }
    expect(length).toBe(megabytes << 20);
    expect(came.digest("hex")).toBe(sent.digest("hex"));
    expect(peak).toBeGreaterThan(0);
    expect(peak - before).toBeLessThan(engineGrowthKiB);
    expect(shim).toBeGreaterThan(0);
    expect(shim).toBeLessThan(shimKiB);
  },
  180_000,
);
