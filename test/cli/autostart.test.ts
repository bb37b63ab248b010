/**
 * The engine that the first command starts, and when it leaves. In a mount namespace of its own, where /run and /var/lib
 * are empty.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caisson, ended, TestEngine, type Ended } from "../support/engine.ts";
import { eventually, must, start } from "../support/containers.ts";
import { processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";

let space: ChildProcess;
beforeAll(async () => {
  const script =
    "ip link set lo up && mount -t tmpfs none /run && mount -t tmpfs none /var/lib && echo && exec sleep infinity";
  space = spawn("unshare", ["--net", "--mount", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve, reject) => {
    space.stdout?.once("data", resolve);
    space.once("exit", () => reject(new Error("no namespace of our own")));
  });
});
afterAll(() => {
  space.kill("SIGKILL");
});

/** Runs a command where no engine is, and no variable names one. */
function there(command: readonly string[]): Ended {
  const enter = [`--net=/proc/${space.pid}/ns/net`, `--mount=/proc/${space.pid}/ns/mnt`];
  const { DOCKER_HOST: _, CAISSON_HOST: __, ...env } = process.env;
  return ended(spawnSync("nsenter", [...enter, ...command], { env, cwd: "/" }));
}

test("the first command starts it, others at the same time find it, and it stays while it is needed", async () => {
  const both = [
    "sh",
    "-c",
    `${caisson} ps -q & ${caisson} ps -q & ${caisson} version -f '{{.Server.Os}}'; wait`,
  ];
  expect(there(both)).toEqual({ code: 0, stdout: "linux\n", stderr: "" });
  const engines = enginesThere();
  expect(engines).toHaveLength(1);
  const [pid = 0] = engines;
  expect(there([caisson, "info", "-f", "{{.DockerRootDir}}"]).stdout).toBe("/var/lib/caisson\n");
  process.kill(pid, "SIGTERM");
  await eventually("the engine's end", () => {
    try {
      process.kill(pid, 0);
      return undefined;
    } catch {
      return true;
    }
  });
}, 60_000);

test("--idle-exit: it leaves when nothing runs and nobody asks, and stays when something runs", async () => {
  await using engine = await TestEngine.start("--idle-exit=8");
  const pid = engine.pid;
  const runs = (): boolean => spawnSync("kill", ["-0", String(pid)]).status === 0 && !zombie(pid);
  await importBusybox(engine);
  const id = start(engine, []);
  await Bun.sleep(12_000);
  expect(runs()).toBe(true);
  must(engine, ["rm", "-f", id]);
  await eventually("the idle engine's end", () => (runs() ? undefined : true), 60);
}, 120_000);

test("an ordinary user without an engine is told why there is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "caisson-user."));
  try {
    chmodSync(folder, 0o755);
    const copy = join(folder, "caisson");
    copyFileSync(caisson, copy);
    chmodSync(copy, 0o755);
    const { code, stderr } = there([
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      copy,
      "ps",
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      "an engine of an ordinary user (rootless mode) is not supported by this version of caisson",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Engines in our mount namespace. */
function enginesThere(): number[] {
  const ours = readlinkSync(`/proc/${space.pid}/ns/mnt`);
  return processesNaming("--idle-exit").filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/mnt`) === ours;
    } catch {
      return false;
    }
  });
}

function zombie(pid: number): boolean {
  return ended(spawnSync("ps", ["-o", "stat=", "-p", String(pid)])).stdout.startsWith("Z");
}
