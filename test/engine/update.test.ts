/**
 * `update`: what inspect says afterwards, what the kernel has, what a killed engine leaves.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  command,
  eventually,
  execute,
  inspect,
  must,
  pidOf,
  removeAll,
  start,
} from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const root = "/sys/fs/cgroup";
const v1 = existsSync(`${root}/memory/memory.limit_in_bytes`);
const onV1 = testUnless(
  v1 ? undefined : "files of cgroup version 1; version 2 is tested in a virtual machine",
);

const file = (id: string, controller: string, name: string): string =>
  readFileSync(join(root, controller, "docker", id, name), "utf8").trim();

interface Changed {
  readonly status: number;
  readonly message?: string;
  readonly Warnings?: readonly string[] | null;
}

async function update(id: string, body: object): Promise<Changed> {
  const answer = await engine.request("POST", `/containers/${id}/update`, body);
  return { status: answer.status, ...answer.json<object>() };
}

const hostConfig = async (id: string): Promise<Readonly<Record<string, unknown>>> =>
  (await inspect(engine, id)).HostConfig;
const mega = 1 << 20;

onV1("limits of a running container, as inspect and the kernel have them", async () => {
  const id = start(engine, ["-m", "100m", "--cpu-shares=512"]);
  must(engine, [
    "update",
    "-m",
    "60m",
    "--memory-swap=80m",
    "--memory-reservation=20m",
    "--cpu-shares=200",
    id,
  ]);
  must(engine, ["update", "--cpus=0.5", "--cpuset-cpus=0", "--pids-limit=33", id]);
  const [memory, cpu] = ["memory", "cpu"];
  expect(file(id, memory, "memory.limit_in_bytes")).toBe(String(60 * mega));
  expect(file(id, memory, "memory.memsw.limit_in_bytes")).toBe(String(80 * mega));
  expect(file(id, memory, "memory.soft_limit_in_bytes")).toBe(String(20 * mega));
  expect(file(id, cpu, "cpu.shares")).toBe("200");
  expect(file(id, cpu, "cpu.cfs_quota_us")).toBe("50000");
  expect(file(id, "cpuset", "cpuset.cpus")).toBe("0");
  expect(file(id, "pids", "pids.max")).toBe("33");
  const host = await hostConfig(id);
  expect(host).toMatchObject({ Memory: 60 * mega, MemorySwap: 80 * mega, CpuShares: 200, PidsLimit: 33 });
  expect(await update(id, { PidsLimit: -1 })).toEqual({ status: 200, Warnings: null });
  expect(file(id, "pids", "pids.max")).toBe("max");
  expect(await update(id, { MemorySwap: -1 })).toMatchObject({ status: 200 });
  expect(Number(file(id, memory, "memory.memsw.limit_in_bytes"))).toBeGreaterThan(2 ** 60);
  expect((await update(id, { MemorySwappiness: 10, OomKillDisable: true })).status).toBe(200);
  expect(file(id, memory, "memory.swappiness")).toBe("10");
  expect(file(id, memory, "memory.oom_control")).toContain("oom_kill_disable 1");
});

onV1("a stopped container begins with its new limits, a paused one has them at once", async () => {
  const id = must(engine, ["create", "--net=none", "busybox", "sleep", "99"]);
  must(engine, ["update", "--cpu-shares=77", id]);
  must(engine, ["start", id]);
  expect(file(id, "cpu", "cpu.shares")).toBe("77");
  must(engine, ["pause", id]);
  must(engine, ["update", "--cpu-shares=78", id]);
  expect(file(id, "cpu", "cpu.shares")).toBe("78");
});

test("what is refused changes nothing", async () => {
  const id = start(engine, ["-m", "100m", "--cpus=1"]);
  const before = await hostConfig(id);
  const context = `Cannot update container ${id}: `;
  const refused = async (body: object, status: number, message: string): Promise<void> => {
    expect(await update(id, body)).toEqual({ status, message });
  };
  await refused({ Memory: 5000 }, 400, "Minimum memory limit allowed is 6MB");
  await refused(
    { Memory: 500 * mega },
    409,
    `${context}Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`,
  );
  await refused(
    { CpuQuota: 50_000, CpuShares: 99 },
    409,
    `${context}Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set`,
  );
  await refused(
    { CpusetCpus: "999" },
    400,
    `Requested CPUs are not available - requested 999, available: ${readFileSync(
      "/sys/devices/system/cpu/online",
      "utf8",
    ).trim()}`,
  );
  const policy = "invalid restart policy: maximum retry count can only be used with 'on-failure'";
  await refused({ RestartPolicy: { Name: "no", MaximumRetryCount: 4 } }, 400, policy);
  expect((await update(id, { Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] })).status).toBe(501);
  expect((await update("nonesuch", { CpuShares: 5 })).status).toBe(404);
  expect(await update(id, {})).toEqual({ status: 200, Warnings: null });
  expect(await hostConfig(id)).toEqual(before);
  const own = start(engine, ["--rm"]);
  expect(await update(own, { RestartPolicy: { Name: "always" } })).toMatchObject({
    status: 409,
    message: `Cannot update container ${own}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
  });
});

onV1("a memory limit below what is used is refused, and the old one stays", async () => {
  const script = "dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo full; sleep 99";
  const id = start(
    engine,
    ["-m", "100m", "--memory-swap=100m", "--shm-size=60m", "--cpu-shares=512"],
    ["sh", "-c", script],
  );
  await eventually("memory in use", () => must(engine, ["logs", id]).includes("full"));
  const body = { Memory: 10 * mega, MemorySwap: 10 * mega, CpuShares: 300 };
  const { status, message } = await update(id, body);
  expect(status).toBe(409);
  expect(message).toStartWith(`Cannot update container ${id}: unable to set memory limit to ${10 * mega} (`);
  expect(file(id, "memory", "memory.limit_in_bytes")).toBe(String(100 * mega));
  expect(file(id, "cpu", "cpu.shares")).toBe("512");
  expect(await hostConfig(id)).toMatchObject({ Memory: 100 * mega, CpuShares: 512 });
});

test("another restart policy holds from now on", async () => {
  const id = start(engine, []);
  must(engine, ["update", "--restart=on-failure:3", id]);
  expect((await hostConfig(id))["RestartPolicy"]).toEqual({ Name: "on-failure", MaximumRetryCount: 3 });
  process.kill(await pidOf(engine, id), "SIGKILL");
  await eventually("its restart", async () => {
    const { RestartCount, State } = await inspect(engine, id);
    return RestartCount === 1 && State.Status === "running" ? true : undefined;
  });
  must(engine, ["update", "--restart=no", id]);
  process.kill(await pidOf(engine, id), "SIGKILL");
  await eventually("its end", async () => (await inspect(engine, id)).State.Status === "exited");
});

test("labels and healthcheck, by caisson's own command line", async () => {
  const id = start(engine, ["--label=a=1", "--label=b=2"]);
  const since = Math.floor(Date.now() / 1000);
  const ran = engine.caisson([
    "update",
    "--label=c=3",
    "--label-rm=a",
    "--health-cmd=true",
    "--health-interval=100ms",
    id,
  ]);
  expect(ran).toMatchObject({ code: 0, stdout: `${id}\n` });
  expect((await inspect(engine, id)).Config["Labels"]).toEqual({ b: "2", c: "3" });
  expect(must(engine, ["ps", "-q", "--no-trunc", "--filter", "label=c=3"])).toBe(id);
  const healthy = async (): Promise<string | undefined> =>
    ((await inspect(engine, id)).State as { Health?: { Status: string } }).Health?.Status;
  await eventually("its health", async () => (await healthy()) === "healthy");
  expect(engine.caisson(["update", "--no-healthcheck", id]).code).toBe(0);
  expect(await healthy()).toBeUndefined();
  const until = Math.ceil(Date.now() / 1000) + 1;
  const filters = encodeURIComponent(JSON.stringify({ event: ["update"], container: [id] }));
  const told = await engine.request("GET", `/events?since=${since}&until=${until}&filters=${filters}`);
  expect(told.body.toString("utf8").trim().split("\n")).toHaveLength(2);
  expect(command(engine, ["update", id]).stderr).toContain("you must provide one or more flags");
});

test("what was changed is still so after the engine was killed", async () => {
  const id = start(engine, []);
  must(engine, ["update", "--cpu-shares=99", "--restart=always", id]);
  expect(engine.caisson(["update", "--label=kept=yes", id]).code).toBe(0);
  await engine.kill();
  await engine.resume();
  expect(await hostConfig(id)).toMatchObject({ CpuShares: 99, RestartPolicy: { Name: "always" } });
  expect((await inspect(engine, id)).Config["Labels"]).toEqual({ kept: "yes" });
  expect(execute(engine, id, "echo fine")).toBe("fine");
});
