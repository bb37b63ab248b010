/**
 * What `docker stats` says on cgroup version 2, by either driver, beside the kernel's own files; and whose memory ran out.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect } from "bun:test";
import { command, eventually, execute, inspect, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noSystemd, noUnified } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";
import { cgroupFile } from "./unified.ts";

interface Stats {
  readonly read: string;
  readonly preread: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly cpu_stats: Cpu;
  readonly precpu_stats: Cpu;
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly max_usage?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly blkio_stats: { readonly io_service_bytes_recursive: readonly Io[] | null };
}

interface Cpu {
  readonly cpu_usage: {
    readonly total_usage: number;
    readonly usage_in_usermode: number;
    readonly usage_in_kernelmode: number;
    readonly percpu_usage?: readonly number[];
  };
  readonly throttling_data: { readonly throttled_periods: number; readonly throttled_time: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

interface Io {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

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
  afterEach(async () => {
    if (missing === undefined) await removeAll(engine);
  });

  const stats = async (id: string): Promise<Stats> =>
    (await engine.request("GET", `/containers/${id}/stats?stream=0`)).json<Stats>();

  check("memory without what only caches, processes, and the limits of both", async () => {
    const script =
      "dd if=/dev/zero of=/dev/shm/x bs=1M count=10; dd if=/dev/zero of=/file bs=1M count=20; sync";
    const id = start(
      engine,
      ["--memory=64m", "--pids-limit=20"],
      ["sh", "-c", `${script}; echo full; exec sleep 999`],
    );
    await eventually("full", () => must(engine, ["logs", id]).includes("full"), 30);
    const { memory_stats: memory, pids_stats: pids } = await stats(id);
    const usage = Number(await cgroupFile(engine, id, "memory.current"));
    expect(memory.limit).toBe(64 << 20);
    // Nothing runs in it, but the kernel may write its cache to the disk between both looks.
    expect(Math.abs((memory.usage ?? 0) - usage)).toBeLessThan(8 << 20);
    // What version 1 alone has.
    expect(memory).not.toHaveProperty("max_usage");
    const cached = memory.stats?.["inactive_file"] ?? 0;
    expect(memory.stats?.["shmem"]).toBeGreaterThanOrEqual(10 << 20);
    expect(memory.stats?.["file"]).toBeGreaterThanOrEqual(25 << 20);
    expect(cached).toBeGreaterThan(5 << 20);
    expect(pids).toEqual({ current: 1, limit: 20 });
    const shown = must(engine, ["stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", id]);
    const [, mega = "0"] = /^([\d.]+)MiB \/ 64MiB 1$/.exec(shown) ?? [];
    expect(Math.abs(Number(mega) - ((memory.usage ?? 0) - cached) / (1 << 20))).toBeLessThan(8);
  });

  check("processors: what is used is counted, and never more than the quota", async () => {
    const id = start(engine, ["--cpus=0.3"], ["sh", "-c", "while :; do :; done"]);
    const seen = await eventually(
      "throttled",
      async () => {
        const look = await stats(id);
        return look.cpu_stats.throttling_data.throttled_time > 0 ? look : undefined;
      },
      30,
    );
    const { cpu_stats: cpu, precpu_stats: before } = seen;
    const used = cpu.cpu_usage.total_usage - before.cpu_usage.total_usage;
    const passed = (cpu.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
    const busy = (used / passed) * (cpu.online_cpus ?? 0);
    expect(busy).toBeGreaterThan(0);
    // The machine's own clock ticks in hundredths, and an emulated one may lose some.
    expect(busy).toBeLessThan(0.8);
    expect(cpu.throttling_data.throttled_periods).toBeGreaterThan(0);
    expect(cpu.cpu_usage).not.toHaveProperty("percpu_usage");
    const both = cpu.cpu_usage.usage_in_usermode + cpu.cpu_usage.usage_in_kernelmode;
    expect(Math.abs(both - cpu.cpu_usage.total_usage)).toBeLessThan(10_000_000);
    const file = Number(/^usage_usec (\d+)/.exec((await cgroupFile(engine, id, "cpu.stat")) ?? "")?.[1]);
    expect(file * 1000).toBeGreaterThanOrEqual(cpu.cpu_usage.total_usage);
  });

  check("what was written to the disk", async () => {
    const id = start(engine, []);
    execute(engine, id, "dd if=/dev/zero of=/file bs=1M count=8 conv=fsync 2>/dev/null");
    const { blkio_stats: io } = await stats(id);
    const written = (io.io_service_bytes_recursive ?? []).filter(({ op }) => op === "write");
    expect(Math.max(0, ...written.map(({ value }) => value))).toBeGreaterThanOrEqual(8 << 20);
    const shown = must(engine, ["stats", "--no-stream", "--format", "{{.BlockIO}}", id]);
    expect(shown).toMatch(/ \/ 8[.\d]*MB$/);
  });

  check("after an update it is the new limit that is told, and kept", async () => {
    const id = start(engine, ["--memory=64m", "--memory-swap=64m"]);
    must(engine, ["update", "--memory=24m", "--memory-swap=24m", "--pids-limit=9", id]);
    const { memory_stats: memory, pids_stats: pids } = await stats(id);
    expect([memory.limit, pids.limit]).toEqual([24 << 20, 9]);
    const eaten = command(engine, ["exec", id, "tail", "/dev/zero"]);
    expect(eaten.code).toBe(137);
    // Who was killed is not the container's first process.
    expect((await inspect(engine, id)).State.Running).toBe(true);
    expect(await cgroupFile(engine, id, "memory.events")).toMatch(/^oom_kill 1$/m);
    // That it was there that memory ran out is said when it ends.
    must(engine, ["stop", "-t", "0", id]);
    expect((await inspect(engine, id)).State.OOMKilled).toBe(true);
  });

  check("two whose memory ends at once are told, and nobody who ends meanwhile", async () => {
    const flags = ["--memory=16m", "--memory-swap=16m"];
    const eat = ["sh", "-c", "while [ ! -e /go ]; do sleep 0.1; done; exec tail /dev/zero"];
    const greedy = [start(engine, flags, eat), start(engine, flags, eat)];
    const lively = start(engine, flags);
    const others = [start(engine, flags), start(engine, flags)];
    // Something in it is killed for memory, it lives on.
    expect(command(engine, ["exec", lively, "tail", "/dev/zero"]).code).toBe(137);
    const killed = async (id: string): Promise<boolean> => (await inspect(engine, id)).State.OOMKilled;
    const [first = "", second = ""] = others;
    process.kill((await inspect(engine, first)).State.Pid, "SIGKILL");
    must(engine, ["wait", first]);
    for (const id of greedy) execute(engine, id, "touch /go");
    must(engine, ["kill", second]);
    must(engine, ["wait", second, ...greedy]);
    const told = await Promise.all([...greedy, ...others].map(killed));
    expect(told).toEqual([true, true, false, false]);
    must(engine, ["kill", lively]);
    must(engine, ["wait", lively]);
    expect(await killed(lively)).toBe(true);
  });
});
