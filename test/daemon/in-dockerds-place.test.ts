/**
 * Called as dockerd, without any flag: Docker's places for what clients look for, caisson's own for what is kept. In a mount
 * namespace of its own, where /run, /var/lib and /etc are not the machine's.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/containers.ts";
import { dockerPath, noDocker } from "../support/docker.ts";
import { caisson, ended, type Ended } from "../support/engine.ts";
import { testUnless } from "../support/requires.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-place."));
const dockerd = join(folder, "dockerd");
symlinkSync(caisson, dockerd);

let space: ChildProcess;
beforeAll(async () => {
  const script = `ip link set lo up && mount -t tmpfs none /run && mount -t tmpfs none /var/lib &&
mkdir -p /run/etc && cp -a /etc/passwd /etc/group /etc/os-release /run/etc/ && mkdir /run/etc/docker &&
echo '{"labels": ["from=the-file"]}' > /run/etc/docker/daemon.json && mount --bind /run/etc /etc &&
mkdir -p /var/lib/docker/image && echo && exec ${dockerd} 2>/run/log`;
  space = spawn("unshare", ["--net", "--mount", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve, reject) => {
    space.stdout?.once("data", resolve);
    space.once("exit", () => reject(new Error("no namespace of our own")));
  });
});
afterAll(async () => {
  const gone = new Promise((resolve) => space.once("exit", resolve));
  space.kill("SIGTERM");
  await gone;
  rmSync(folder, { recursive: true });
});

function there(command: readonly string[]): Ended {
  const enter = [`--net=/proc/${space.pid}/ns/net`, `--mount=/proc/${space.pid}/ns/mnt`];
  const { DOCKER_HOST: _, DOCKER_CONFIG: __, ...env } = process.env;
  return ended(spawnSync("nsenter", [...enter, ...command], { env: { ...env, HOME: folder }, cwd: "/" }));
}

testUnless(noDocker)("docker finds it where a dockerd is, and nothing of Docker's is touched", async () => {
  const info = await eventually("it answers", () => {
    const asked = there([dockerPath ?? "", "info", "--format", "{{.DockerRootDir}} {{.Labels}}"]);
    return asked.code === 0 ? asked.stdout : undefined;
  });
  expect(info).toBe("/var/lib/caisson [from=the-file]\n");
  expect(there(["cat", "/var/run/docker.pid"]).stdout.trim()).toBe(String(space.pid));
  expect(there(["find", "/var/lib/docker"]).stdout).toBe("/var/lib/docker\n/var/lib/docker/image\n");
});

test("Docker's own data root is refused", () => {
  const refused = there([
    dockerd,
    "--config-file=",
    "--data-root=/var/lib/docker",
    "--pidfile=/run/x",
    "-H",
    "unix:///run/x.sock",
  ]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    "the data root /var/lib/docker is Docker's (it has image) and stays as it is",
  );
  expect(there(["find", "/var/lib/docker"]).stdout).toBe("/var/lib/docker\n/var/lib/docker/image\n");
});
