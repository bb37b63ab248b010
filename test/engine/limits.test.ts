/**
 * Limits as the kernel has them: read in the container's cgroup on the host, and from inside the container.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { execute, inspect, must, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

const root = "/sys/fs/cgroup";
const v1 = existsSync(`${root}/memory/memory.limit_in_bytes`);
const onV1 = testUnless(
  v1 ? undefined : "files of cgroup version 1; version 2 is tested in a virtual machine",
);
const lacking = (file: string): string | undefined =>
  existsSync(join(root, file)) ? undefined : `this kernel has no ${file}`;

/** A cgroup's file on the host. */
const onHost = (id: string, controller: string, file: string): string =>
  readFileSync(join(root, controller, "docker", id, file), "utf8").trim();
/** The same by the container's own view of its cgroup. */
const inside = (id: string, controller: string, file: string): string =>
  execute(engine, id, `cat /sys/fs/cgroup/${controller}/${file}`);

/** Starts a container of `flags` and compares its files with `expected`, seen from both sides. */
function expectFiles(
  flags: readonly string[],
  expected: readonly (readonly [string, string, string])[],
): string {
  const id = start(engine, ["--cgroupns=private", ...flags]);
  for (const [controller, file, value] of expected) {
    expect(`${file}: ${onHost(id, controller, file)}`).toBe(`${file}: ${value}`);
    expect(`${file}: ${inside(id, controller, file)}`).toBe(`${file}: ${value}`);
  }
  return id;
}

onV1("shares, quota and period of the processors", () => {
  const flags = ["--cpu-shares=512", "--cpu-quota=30000", "--cpu-period=60000"];
  const id = expectFiles(flags, [
    ["cpu", "cpu.shares", "512"],
    ["cpu", "cpu.cfs_quota_us", "30000"],
    ["cpu", "cpu.cfs_period_us", "60000"],
  ]);
  must(engine, ["rm", "-f", id]);
});

onV1("processors and memory nodes", () => {
  const id = expectFiles(
    ["--cpuset-cpus=0", "--cpuset-mems=0"],
    [
      ["cpuset", "cpuset.cpus", "0"],
      ["cpuset", "cpuset.mems", "0"],
    ],
  );
  expect(execute(engine, id, "nproc")).toBe("1");
  expect(execute(engine, id, "grep Cpus_allowed_list /proc/1/status")).toMatch(/\t0$/);
  must(engine, ["rm", "-f", id]);
});

onV1("memory, swap, reservation, swappiness, no OOM killer", () => {
  const flags = [
    "--memory=64m",
    "--memory-swap=96m",
    "--memory-reservation=32m",
    "--memory-swappiness=10",
    "--oom-kill-disable",
  ];
  const id = expectFiles(flags, [
    ["memory", "memory.limit_in_bytes", String(64 << 20)],
    ["memory", "memory.memsw.limit_in_bytes", String(96 << 20)],
    ["memory", "memory.soft_limit_in_bytes", String(32 << 20)],
    ["memory", "memory.swappiness", "10"],
  ]);
  expect(onHost(id, "memory", "memory.oom_control")).toContain("oom_kill_disable 1");
  must(engine, ["rm", "-f", id]);
});

onV1("memory alone allows as much swap again; -1 any", () => {
  const twice = start(engine, ["--memory=64m"]);
  expect(onHost(twice, "memory", "memory.memsw.limit_in_bytes")).toBe(String(128 << 20));
  const any = start(engine, ["--memory=64m", "--memory-swap=-1"]);
  expect(Number(onHost(any, "memory", "memory.memsw.limit_in_bytes"))).toBeGreaterThan(2 ** 60);
  must(engine, ["rm", "-f", twice, any]);
});

onV1("processes: a number, and any", () => {
  const id = expectFiles(["--pids-limit=20"], [["pids", "pids.max", "20"]]);
  const any = expectFiles(["--pids-limit=-1"], [["pids", "pids.max", "max"]]);
  const fork = "for i in $(seq 30); do sleep 5 & done 2>&1; echo done";
  expect(must(engine, ["exec", id, "sh", "-c", `(${fork}) 2>&1 || true`])).toContain("can't fork");
  expect(must(engine, ["exec", any, "sh", "-c", fork])).toBe("done");
  must(engine, ["rm", "-f", id, any]);
});

testUnless(v1 ? lacking("blkio/blkio.weight") : "cgroup version 2")("block IO: weight", () => {
  const id = expectFiles(["--blkio-weight=300"], [["blkio", "blkio.weight", "300"]]);
  must(engine, ["rm", "-f", id]);
});

const disk = ["/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0"].find((path) => existsSync(path));
testUnless(v1 ? (disk === undefined ? "no block device" : undefined) : "cgroup version 2")(
  "block IO: rates of a device",
  () => {
    const path = disk ?? "";
    const { rdev } = statSync(path);
    const device = `${(rdev >>> 8) & 0xfff}:${rdev & 0xff}`;
    const flags = [
      `--device-read-bps=${path}:1mb`,
      `--device-write-bps=${path}:2mb`,
      `--device-read-iops=${path}:100`,
      `--device-write-iops=${path}:200`,
    ];
    const id = expectFiles(flags, [
      ["blkio", "blkio.throttle.read_bps_device", `${device} ${1 << 20}`],
      ["blkio", "blkio.throttle.write_bps_device", `${device} ${2 << 20}`],
      ["blkio", "blkio.throttle.read_iops_device", `${device} 100`],
      ["blkio", "blkio.throttle.write_iops_device", `${device} 200`],
    ]);
    must(engine, ["rm", "-f", id]);
  },
);

onV1("devices: rules in the cgroup, and what they come to", () => {
  const id = start(engine, ["--device-cgroup-rule=c 10:229 r", "--device=/dev/null:/dev/other:r"]);
  const rules = onHost(id, "devices", "devices.list").split("\n");
  expect(rules).toContain("c 10:229 r");
  expect(rules).toContain("c 1:3 rwm");
  expect(rules).not.toContain("a *:* rwm");
  expect(execute(engine, id, "cat /dev/other; echo $?")).toBe("0");
  must(engine, ["rm", "-f", id]);
  const privileged = start(engine, ["--privileged"]);
  expect(onHost(privileged, "devices", "devices.list")).toBe("a *:* rwm");
  must(engine, ["rm", "-f", privileged]);
});

test("what was asked for is in inspect", async () => {
  const id = start(engine, ["--cpus=0.5", "--memory=64m", "--pids-limit=9", "--cpuset-cpus=0"]);
  expect((await inspect(engine, id)).HostConfig).toMatchObject({
    NanoCpus: 500_000_000,
    Memory: 64 << 20,
    MemorySwap: 128 << 20,
    PidsLimit: 9,
    CpusetCpus: "0",
  });
  must(engine, ["rm", "-f", id]);
});
