/**
 * The engine as a service of systemd, by the units of packaging/systemd as they are.
 * @module
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { eventually, type Inspection } from "../support/containers.ts";
import { ask, caisson } from "../support/engine.ts";
import { noMachineOfOurs } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";
import { properties, systemctl } from "./systemctl.ts";

const check = testUnless(noMachineOfOurs);
const units = ["caisson.socket", "caisson.service"];
const [socketUnit, serviceUnit] = ["caisson.socket", "caisson.service"];
const program = "/usr/bin/caisson";
const socket = "/run/caisson/caisson.sock";

const request = async (method: string, path: string, body?: Uint8Array | object): ReturnType<typeof ask> =>
  ask(socket, method, path, body);

beforeAll(() => {
  if (noMachineOfOurs !== undefined) return;
  symlinkSync(caisson, program);
  for (const unit of units) {
    copyFileSync(join(import.meta.dir, "../../packaging/systemd", unit), `/etc/systemd/system/${unit}`);
  }
  systemctl("daemon-reload");
});
afterAll(() => {
  if (noMachineOfOurs !== undefined) return;
  systemctl("stop", ...units);
  for (const unit of units) rmSync(`/etc/systemd/system/${unit}`);
  rmSync(program);
  systemctl("daemon-reload");
});

/** Starts a container that writes a line each second; its id. */
async function startCounting(): Promise<string> {
  const body = {
    Image: "busybox",
    Cmd: ["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 1; done"],
    HostConfig: { NetworkMode: "none", Memory: 64 << 20 },
  };
  const created = await request("POST", "/containers/create", body);
  const { Id } = created.json<{ readonly Id: string }>();
  expect((await request("POST", `/containers/${Id}/start`)).status).toBe(204);
  return Id;
}

async function stateOf(id: string): Promise<Inspection> {
  return (await request("GET", `/containers/${id}/json`)).json<Inspection>();
}

async function lines(id: string): Promise<number> {
  const answer = await request("GET", `/containers/${id}/logs?stdout=1`);
  return answer.body.toString("latin1").split("line ").length - 1;
}

/** It writes on: what it writes after now is in its log. */
async function goesOn(id: string): Promise<void> {
  const before = await lines(id);
  await eventually("another line", async () => (await lines(id)) > before, 60);
}

const mainPid = (): number => Number(properties(serviceUnit, ["MainPID"])["MainPID"]);

check("a client's first word starts it, and systemd knows when it is ready", async () => {
  systemctl("start", socketUnit);
  expect(properties(serviceUnit, ["ActiveState"])).toEqual({ ActiveState: "inactive" });
  expect((await request("GET", "/_ping")).status).toBe(200);
  // It answers before it has said so: what it says is that a unit behind it may go on.
  await eventually("ready", () => properties(serviceUnit, ["SubState"])["SubState"] === "running");
  const { Type, NotifyAccess } = properties(serviceUnit, ["Type", "NotifyAccess"]);
  expect({ Type, NotifyAccess }).toEqual({ Type: "notify", NotifyAccess: "main" });
  expect(readFileSync(`/proc/${mainPid()}/environ`, "latin1")).toContain("NOTIFY_SOCKET=");
  expect(readFileSync(`/proc/${mainPid()}/oom_score_adj`, "utf8")).toBe("-500\n");
  await importBusybox({ request });
});

check("containers live on, limited and logged, while it is restarted, killed, and away", async () => {
  const id = await startCounting();
  const { Pid } = (await stateOf(id)).State;
  const place = readFileSync(`/proc/${Pid}/cgroup`, "utf8").trim();
  expect(place).toBe(`0::/system.slice/docker-${id}.scope`);
  const asBefore = async (): Promise<void> => {
    const { State, RestartCount } = await stateOf(id);
    expect({ status: State.Status, pid: State.Pid, RestartCount }).toEqual({
      status: "running",
      pid: Pid,
      RestartCount: 0,
    });
    expect(readFileSync(`/proc/${Pid}/cgroup`, "utf8").trim()).toBe(place);
    expect(readFileSync(`/sys/fs/cgroup/system.slice/docker-${id}.scope/memory.max`, "utf8").trim()).toBe(
      String(64 << 20),
    );
    await goesOn(id);
  };
  const first = mainPid();
  systemctl("restart", serviceUnit);
  expect(mainPid()).not.toBe(first);
  await asBefore();

  const second = mainPid();
  process.kill(second, "SIGKILL");
  await eventually("started again", () => ![0, second].includes(mainPid()), 60);
  await asBefore();

  systemctl("stop", serviceUnit);
  expect(existsSync(`/proc/${Pid}`)).toBe(true);
  // The socket is there still: the next client starts the engine.
  await asBefore();
  expect(properties(serviceUnit, ["ActiveState"])).toEqual({ ActiveState: "active" });

  systemctl("daemon-reload");
  await asBefore();
  expect((await request("DELETE", `/containers/${id}?force=1`)).status).toBe(204);
  expect(existsSync(`/proc/${Pid}`)).toBe(false);
});

check("systemctl reload makes it read its configuration again", async () => {
  const since = mainPid();
  systemctl("reload", serviceUnit);
  await eventually("read again", () => {
    const { stdout } = spawnSync("journalctl", ["-u", serviceUnit, `_PID=${since}`, "-o", "cat"], {
      encoding: "utf8",
    });
    return stdout.includes("Reloaded configuration");
  });
  expect(mainPid()).toBe(since);
});

check("a container that ends while it is away is found ended, as it did", async () => {
  const id = await startCounting();
  const { Pid } = (await stateOf(id)).State;
  systemctl("stop", serviceUnit);
  process.kill(Pid, "SIGKILL");
  await eventually("gone", () => !existsSync(`/proc/${Pid}`));
  const { Status, ExitCode } = (await stateOf(id)).State;
  expect({ Status, ExitCode }).toEqual({ Status: "exited", ExitCode: 137 });
  expect((await request("DELETE", `/containers/${id}`)).status).toBe(204);
});
