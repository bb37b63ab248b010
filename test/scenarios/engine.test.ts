/**
 * Scenarios 13, 26 and 29: what the engine says of itself, its parts as they can be looked at, a start explained.
 * @module
 */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, pidOf } from "../support/containers.ts";
import { scenario, scenarioEngine } from "./client.ts";

const engine = scenarioEngine();

scenario(13, "system info tells the truth", engine, (client) => {
  const info = client.must("system", "info");
  expect(info).toMatch(/^ Storage Driver: overlay2$/m);
  expect(info).toMatch(/^ Cgroup Driver: cgroupfs$/m);
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  expect(info).toMatch(new RegExp(`^ Cgroup Version: ${unified ? 2 : 1}$`, "m"));
  expect(info).toMatch(/^ Runtimes: .*caisson/m);
  expect(info).toMatch(/^ +seccomp$/m);
  expect(info).toMatch(new RegExp(`^ Docker Root Dir: ${client.engine.dataRoot}$`, "m"));
  expect(info).toMatch(
    new RegExp(`^ Kernel Version: ${readFileSync("/proc/sys/kernel/osrelease", "utf8").trim()}`, "m"),
  );
});

scenario(26, "the parts: engine, shim, proxies, bundle, exit record", engine, async (client) => {
  const id = client.must("run", "-d", "-p", "8081:80", "busybox", "sh", "-c", "read x </dev/zero; exit 3");
  const second = client.must("run", "-d", "busybox", "sleep", "1000");
  const processes = client.engine.runInside("ps", ["-eo", "pid,ppid,args"]).stdout.split("\n");
  const shims = processes.filter((line) => line.includes("caisson-shim") && /shim [0-9a-f]{64}/.test(line));
  expect(shims.filter((line) => line.includes(second))).toHaveLength(1);
  const shim = shims
    .find((line) => line.includes(second))
    ?.trim()
    .split(/ +/)[0];
  const pid = await pidOf(client.engine, second);
  const parent = /^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  expect(parent).toBe(shim ?? "none");
  expect(processes.filter((line) => line.includes("-host-port 8081 "))).toHaveLength(2);
  const bundle = join(client.engine.execRoot, "containers", second);
  const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as {
    readonly ociVersion: string;
    readonly process: { readonly args: readonly string[] };
  };
  expect(config.ociVersion).toMatch(/^1\./);
  expect(config.process.args).toEqual(["sleep", "1000"]);
  expect(existsSync(join(bundle, "shim.sock"))).toBe(true);
  client.must("kill", second);
  await eventually("the end of the shim", () => !existsSync(join(bundle, "shim.sock")) || undefined);
  client.must("rm", "-f", id, second);
});

scenario(29, "explain shows every step before anything is done", engine, ({ engine: place }) => {
  const before = place.caisson(["ps", "-aq"]).stdout;
  const { code, stdout } = place.caisson([
    "explain",
    "run",
    "-p",
    "8080:80",
    "--memory=64m",
    "busybox",
    "true",
  ]);
  expect(code).toBe(0);
  for (const step of ["clone(", "pivot_root(", "execve(", "memory.limit_in_bytes", "seccomp("]) {
    const here =
      existsSync("/sys/fs/cgroup/cgroup.controllers") && step.startsWith("memory") ? "memory.max" : step;
    expect(stdout).toContain(here);
  }
  expect(place.caisson(["ps", "-aq"]).stdout).toBe(before);
});
