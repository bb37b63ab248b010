/**
 * Limits of running containers changed on cgroup version 2, by either driver; and that probes get into such a container.
 * @module
 */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { command, eventually, inspect, must, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noSystemd, noUnified } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";
import { cgroupFiles } from "./unified.ts";

const mega = 1 << 20;

describe.each([
  ["cgroupfs", noUnified],
  ["systemd", noSystemd],
] as const)("by %s", (driver, missing) => {
  const check = testUnless(missing);
  let engine: TestEngine;
  beforeAll(async () => {
    if (missing !== undefined) return;
    engine = await TestEngine.start(`--exec-opt=native.cgroupdriver=${driver}`);
    await importBusybox(engine);
  });
  afterAll(async () => {
    if (missing === undefined) await engine[Symbol.asyncDispose]();
  });

  check("the kernel has the new limits", async () => {
    const id = start(engine, ["-m", "100m", "--cpu-shares=512"]);
    must(engine, ["update", "-m", "64m", "--memory-swap=80m", "--memory-reservation=20m", "--cpus=0.5", id]);
    must(engine, ["update", "--pids-limit=33", "--cpuset-cpus=0", "--cpu-shares=1024", id]);
    const files = [
      "memory.max",
      "memory.low",
      "memory.swap.max",
      "cpu.max",
      "cpu.weight",
      "pids.max",
      "cpuset.cpus",
    ];
    expect(await cgroupFiles(engine, id, files)).toEqual({
      "memory.max": String(64 * mega),
      "memory.low": String(20 * mega),
      "memory.swap.max": String(16 * mega),
      "cpu.max": "50000 100000",
      "cpu.weight": "100",
      "pids.max": "33",
      "cpuset.cpus": "0",
    });
    must(engine, ["update", "--blkio-weight=300", id]);
    const weights = await cgroupFiles(engine, id, ["io.bfq.weight", "io.weight"]);
    expect([weights["io.bfq.weight"], weights["io.weight"]].join(" ")).toMatch(
      /default 300\b|default 2930\b/,
    );
    must(engine, ["rm", "-f", id]);
  });

  check("a memory limit below what is used kills nobody", async () => {
    const script = "dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo full; sleep 999";
    const flags = ["-m", "100m", "--memory-swap=100m", "--shm-size=60m"];
    const id = start(engine, flags, ["sh", "-c", script]);
    await eventually("memory in use", () => must(engine, ["logs", id]).includes("full"));
    const refused = command(engine, ["update", "-m", "10m", "--memory-swap=10m", id]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`unable to set memory limit to ${10 * mega} (current usage: `);
    expect(await cgroupFiles(engine, id, ["memory.max"])).toEqual({ "memory.max": String(100 * mega) });
    expect((await inspect(engine, id)).State.Status).toBe("running");
    must(engine, ["rm", "-f", id]);
  });

  check("probes and an init", async () => {
    const id = start(engine, ["--init", "--health-cmd=true", "--health-interval=500ms"]);
    await eventually("its health", async () => {
      const { Health } = (await inspect(engine, id)).State as { readonly Health?: { Status: string } };
      return Health?.Status === "healthy";
    });
    must(engine, ["rm", "-f", id]);
  });
});
