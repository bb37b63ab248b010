/**
 * The systemd driver: scopes that systemd knows by name, with the limits as its properties, so that it keeps them itself.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { eventually, inspect, must, removeAll, run, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noSystemd } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";
import { properties, systemctl } from "./systemctl.ts";
import { cgroupFiles, placeOf } from "./unified.ts";

const check = testUnless(noSystemd);

const scopes = (): string[] =>
  systemctl("list-units", "--all", "--plain", "--no-legend", "docker-*.scope")
    .split("\n")
    .filter(Boolean)
    .map((line) => line.replace(/ .*/, ""));

let engine: TestEngine;
beforeAll(async () => {
  if (noSystemd !== undefined) return;
  // No driver is named: under systemd with version 2 it is the usual one.
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => {
  if (noSystemd === undefined) await engine[Symbol.asyncDispose]();
});
afterEach(async () => {
  if (noSystemd === undefined) await removeAll(engine);
});

const limits = [
  "--memory=64m",
  "--memory-reservation=32m",
  "--memory-swap=96m",
  "--cpus=0.5",
  "--cpu-shares=512",
  "--cpuset-cpus=1",
  "--pids-limit=50",
];
const files = [
  "memory.max",
  "memory.low",
  "memory.swap.max",
  "cpu.max",
  "cpu.weight",
  "cpuset.cpus",
  "pids.max",
];

check("is the usual one here", () => {
  expect(must(engine, ["info", "--format", "{{.CgroupDriver}} {{.CgroupVersion}}"])).toBe("systemd 2");
});

check("a container is a delegated scope, whose properties are its limits", () => {
  const id = start(engine, limits);
  const expected = {
    MemoryMax: String(64 << 20),
    MemoryLow: String(32 << 20),
    MemorySwapMax: String(32 << 20),
    CPUQuotaPerSecUSec: "500ms",
    CPUWeight: "59",
    AllowedCPUs: "1",
    TasksMax: "50",
    Delegate: "yes",
    Slice: "system.slice",
    ActiveState: "active",
    Transient: "yes",
  };
  expect(properties(`docker-${id}.scope`, Object.keys(expected))).toEqual(expected);
});

check("systemctl daemon-reload takes no limit and no device rule away", async () => {
  const id = start(engine, [...limits, "--userns=host"]);
  const before = await cgroupFiles(engine, id, files);
  expect(before["memory.max"]).toBe(String(64 << 20));
  systemctl("daemon-reload");
  // Whatever systemd wants to write, it has written when it has made another unit.
  spawnSync("systemd-run", ["--scope", "--quiet", "true"]);
  expect(await cgroupFiles(engine, id, files)).toEqual(before);
  const { rdev } = statSync("/dev/vda");
  const node = `mknod /tmp/k b ${rdev >>> 8} ${rdev & 0xff} && head -c 1 /tmp/k`;
  const { stdout, stderr } = engine.caisson(["exec", id, "sh", "-c", node]);
  expect(stdout + stderr).toContain("Operation not permitted");
  // The engine's line to systemd is a new one now.
  expect(run(engine, ["--memory=64m"], ["true"]).code).toBe(0);
});

check("nor does it bring an old limit back", async () => {
  const id = start(engine, limits);
  must(engine, ["update", "--memory=32m", "--memory-swap=32m", "--cpus=0.25", "--pids-limit=40", id]);
  const before = await cgroupFiles(engine, id, files);
  expect(before).toMatchObject({
    "memory.max": String(32 << 20),
    "cpu.max": "25000 100000",
    "pids.max": "40",
  });
  systemctl("daemon-reload");
  spawnSync("systemd-run", ["--scope", "--quiet", "true"]);
  expect(await cgroupFiles(engine, id, files)).toEqual(before);
  const properly = { MemoryMax: String(32 << 20), CPUQuotaPerSecUSec: "250ms", TasksMax: "40" };
  expect(properties(`docker-${id}.scope`, Object.keys(properly))).toEqual(properly);
});

check("--cgroup-parent is a slice; what is none is refused before anything is made", async () => {
  const id = start(engine, ["--cgroup-parent=machine-test.slice"]);
  expect(await placeOf(engine, id)).toBe(`/machine.slice/machine-test.slice/docker-${id}.scope`);
  expect(properties(`docker-${id}.scope`, ["Slice"])).toEqual({ Slice: "machine-test.slice" });
  const refused = engine.caisson(["create", "--net=none", "--cgroup-parent=/docker", "busybox"]);
  expect(refused.stderr).toContain(
    'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"',
  );
  expect(must(engine, ["ps", "-aq"]).split("\n")).toHaveLength(1);
});

check("a scope is forgotten with its container, and made again by the next start", async () => {
  const id = start(engine, ["--memory=64m"]);
  for (let round = 0; round < 5; round++) must(engine, ["restart", "-t", "0", id]);
  expect(scopes()).toEqual([`docker-${id}.scope`]);
  expect((await inspect(engine, id)).State.Running).toBe(true);
  must(engine, ["kill", id]);
  await eventually("forgotten", () => scopes().length === 0 || undefined);
  for (let round = 0; round < 5; round++) expect(run(engine, [], ["true"]).code).toBe(0);
  await eventually("forgotten", () => scopes().length === 0 || undefined);
});

check("systemctl stop ends a container, and the engine hears of it", async () => {
  const id = start(engine, [], ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 1; done"]);
  systemctl("stop", `docker-${id}.scope`);
  expect(must(engine, ["wait", id])).toBe("7");
});
