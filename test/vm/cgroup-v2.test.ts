/**
 * Cgroup version 2 by either driver: every limit is in the kernel's files, and the kernel keeps it.
 * @module
 */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { cgroupDriver, detectCgroups } from "../../src/cgroup/mod.ts";
import { KernelFiles, StatsReader } from "../../src/cgroup/mod.ts";
import {
  eventually,
  execute,
  inspect,
  must,
  pidOf,
  removeAll,
  run,
  shell,
  start,
} from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noSystemd, noUnified } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";
import { cgroupFile, cgroupFiles, directoryAt, placeOf, usualPlace } from "./unified.ts";

/** The disk that the machine runs from. */
const disk = "/dev/vda";
const noDisk = existsSync(disk) ? undefined : `there is no ${disk}`;

/** What a shell script prints, or how it failed. */
function attempt(engine: TestEngine, flags: readonly string[], script: string): string {
  const { stdout, stderr } = run(engine, flags, ["sh", "-c", script]);
  return `${stdout}${stderr}`.trim();
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

  check(
    "processes are born in the container's cgroup, the first one and an exec's, and see no other",
    async () => {
      const id = start(engine, ["--cgroupns=host"]);
      expect(await placeOf(engine, id)).toBe(usualPlace[driver](id));
      expect(execute(engine, id, "cat /proc/self/cgroup")).toBe(`0::${usualPlace[driver](id)}`);
      const processes = await cgroupFile(engine, id, "cgroup.procs");
      expect(processes?.split("\n")).toEqual([String(await pidOf(engine, id))]);
      expect(shell(engine, [], "cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs")).toBe("0::/\n1");
      expect(attempt(engine, [], "mkdir /sys/fs/cgroup/x")).toContain("Read-only file system");
      await removeAll(engine);
    },
  );

  check("memory: limit, reservation, swap", async () => {
    const id = start(engine, ["--memory=64m", "--memory-reservation=32m", "--memory-swap=96m"]);
    expect(await cgroupFiles(engine, id, ["memory.max", "memory.low", "memory.swap.max"])).toEqual({
      "memory.max": String(64 << 20),
      "memory.low": String(32 << 20),
      "memory.swap.max": String(32 << 20),
    });
    await removeAll(engine);
  });

  check("cpu: quota, weight, and a quota that is exceeded throttles", async () => {
    const id = start(engine, ["--cpus=0.2", "--cpu-shares=512"], ["sh", "-c", "while :; do :; done"]);
    expect(await cgroupFiles(engine, id, ["cpu.max", "cpu.weight"])).toEqual({
      "cpu.max": "20000 100000",
      "cpu.weight": "59",
    });
    await eventually(
      "throttled",
      async () => /^nr_throttled [1-9]/m.test((await cgroupFile(engine, id, "cpu.stat")) ?? "") || undefined,
      60,
    );
    await removeAll(engine);
  });

  check("cpuset: processors and memory nodes", async () => {
    const id = start(engine, ["--cpuset-cpus=1", "--cpuset-mems=0"]);
    expect(await cgroupFiles(engine, id, ["cpuset.cpus.effective", "cpuset.mems.effective"])).toEqual({
      "cpuset.cpus.effective": "1",
      "cpuset.mems.effective": "0",
    });
    expect(execute(engine, id, "nproc")).toBe("1");
    await removeAll(engine);
  });

  check("pids: the limit, and a fork beyond it fails", async () => {
    const id = start(engine, ["--pids-limit=5"]);
    expect(await cgroupFile(engine, id, "pids.max")).toBe("5");
    expect(attempt(engine, ["--pids-limit=2"], "sleep 9 & sleep 9 & sleep 9 & echo made")).toContain(
      "can't fork",
    );
    await removeAll(engine);
  });

  testUnless(missing ?? noDisk)("io: rates of a device, and a weight where the kernel has them", async () => {
    const { rdev } = statSync(disk);
    const id = start(engine, [
      `--device-read-bps=${disk}:2mb`,
      `--device-write-bps=${disk}:1mb`,
      `--device-read-iops=${disk}:300`,
      `--device-write-iops=${disk}:400`,
    ]);
    expect(await cgroupFile(engine, id, "io.max")).toBe(
      `${rdev >>> 8}:${rdev & 0xff} rbps=2097152 wbps=1048576 riops=300 wiops=400`,
    );
    const weighted = start(engine, ["--blkio-weight=500"]);
    const weights = await cgroupFiles(engine, weighted, ["io.bfq.weight", "io.weight"]);
    expect([weights["io.bfq.weight"], weights["io.weight"]].join(" ")).toMatch(
      /default 500\b|default 4950\b/,
    );
    await removeAll(engine);
  });

  testUnless(missing ?? noDisk)("devices: what is not allowed is refused, what is asked for works", () => {
    const flags = ["--userns=host"];
    const { rdev } = statSync(disk);
    const numbers = [rdev >>> 8, rdev & 0xff];
    const node = `mknod /tmp/k b ${numbers.join(" ")} && head -c 1 /tmp/k >/dev/null && echo opened`;
    expect(attempt(engine, flags, node)).toContain("Operation not permitted");
    expect(attempt(engine, [...flags, `--device-cgroup-rule=b ${numbers.join(":")} r`], node)).toBe("opened");
    expect(attempt(engine, flags, "mknod /tmp/n c 1 3 && echo x >/tmp/n && echo written")).toBe("written");
    const reading = [...flags, `--device=${disk}:/dev/k:r`];
    expect(attempt(engine, reading, "head -c 1 /dev/k >/dev/null && echo read")).toBe("read");
    expect(attempt(engine, reading, "true >>/dev/k")).toContain("Operation not permitted");
    expect(attempt(engine, ["--privileged"], `head -c 1 ${disk} >/dev/null && echo read`)).toBe("read");
  });

  check("pause freezes, unpause thaws, a frozen container can be removed", async () => {
    const id = start(engine, []);
    const frozen = async (): Promise<string | undefined> =>
      /^frozen \d/m.exec((await cgroupFile(engine, id, "cgroup.events")) ?? "")?.[0];
    must(engine, ["pause", id]);
    expect([(await inspect(engine, id)).State.Status, await frozen()]).toEqual(["paused", "frozen 1"]);
    must(engine, ["unpause", id]);
    expect([(await inspect(engine, id)).State.Status, await frozen()]).toEqual(["running", "frozen 0"]);
    must(engine, ["pause", id]);
    const pid = await pidOf(engine, id);
    must(engine, ["rm", "-f", id]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  check("the memory's end is told, each time, and only then", async () => {
    const flags = ["--memory=16m", "--memory-swap=16m"];
    const eat = ["sh", "-c", "x=$(head -c 50000000 /dev/zero | tr '\\0' x); echo $x"];
    for (let round = 0; round < 5; round++) {
      const id = start(engine, flags, eat);
      expect(must(engine, ["wait", id])).toBe("137");
      expect((await inspect(engine, id)).State.OOMKilled).toBe(true);
    }
    const other = start(engine, flags);
    must(engine, ["kill", other]);
    expect(must(engine, ["wait", other])).toBe("137");
    expect((await inspect(engine, other)).State.OOMKilled).toBe(false);
    await removeAll(engine);
  });

  check("what a container uses can be read", async () => {
    const id = start(engine, ["--memory=64m", "--pids-limit=20"]);
    const host = detectCgroups();
    const at = cgroupDriver(driver, host);
    using files = new KernelFiles();
    const stats = new StatsReader(at.locate(at.defaultParent, id), (path) => files.file(path)).read();
    expect(stats.memory).toMatchObject({ limit: 64 << 20, failures: 0 });
    expect(stats.memory?.usage).toBeGreaterThan(0);
    expect(stats.cpu?.usage).toBeGreaterThan(0);
    expect(stats.pids).toEqual({ current: 1, limit: 20 });
    await removeAll(engine);
  });

  check("the cgroup goes with the container's process, also one that has cgroups below", async () => {
    const id = start(engine, ["--privileged"]);
    const directory = directoryAt(await placeOf(engine, id));
    execute(engine, id, "mkdir -p /sys/fs/cgroup/a/b");
    expect(existsSync(`${directory}/a/b`)).toBe(true);
    must(engine, ["stop", "-t", "0", id]);
    await eventually("removed", () => !existsSync(directory) || undefined);
    must(engine, ["start", id]);
    expect(await placeOf(engine, id)).toBe(usualPlace[driver](id));
    await removeAll(engine);
    await eventually("removed", () => !existsSync(directory) || undefined);
  });

  check("a start that fails leaves no cgroup", async () => {
    const failed = run(engine, ["--name=failed"], ["/nosuch"]);
    expect(failed.code).toBe(127);
    const left = readFileSync("/proc/self/mountinfo", "utf8").includes("cgroup2")
      ? [
          ...new Bun.Glob("{docker/*,system.slice/docker-*}").scanSync({
            cwd: "/sys/fs/cgroup",
            onlyFiles: false,
          }),
        ]
      : [];
    expect(left.filter((name) => /[0-9a-f]{64}/.test(name))).toEqual([]);
  });

  check("an engine that was killed finds its containers in their cgroups, limited as before", async () => {
    const id = start(engine, ["--memory=64m"], ["sh", "-c", "echo began; exec sleep 1000"]);
    await engine.kill();
    await engine.resume();
    expect(await placeOf(engine, id)).toBe(usualPlace[driver](id));
    expect(await cgroupFile(engine, id, "memory.max")).toBe(String(64 << 20));
    expect(execute(engine, id, "echo inside")).toBe("inside");
    expect(must(engine, ["logs", id])).toBe("began");
    must(engine, ["stop", "-t", "0", id]);
    await removeAll(engine);
  });

  check("info tells driver and version", () => {
    const info = must(engine, ["info", "--format", "{{.CgroupDriver}} {{.CgroupVersion}}"]);
    expect(info).toBe(`${driver} 2`);
  });
});
