/**
 * Healthchecks: what a container says of its health, as the docker CLI and the API see it.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { command, eventually, execute, inspect, must, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { Start: string; End: string; ExitCode: number; Output: string }[];
}

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

async function healthOf(container: string): Promise<Health | undefined> {
  return ((await inspect(engine, container)).State as { Health?: Health }).Health;
}

const reaches = (container: string, status: string): Promise<Health> =>
  eventually(`${container} is ${status}`, async () => {
    const health = await healthOf(container);
    return health?.Status === status ? health : undefined;
  });

const quick = ["--health-interval=100ms", "--health-retries=2"];
const statusText = (name: string): string =>
  must(engine, ["ps", "-a", "--filter", `name=${name}`, "--format", "{{.Status}}"]);

async function events(since: number): Promise<string[]> {
  const until = Math.ceil(Date.now() / 1000) + 1;
  const answer = await engine.request("GET", `/events?since=${since}&until=${until}`);
  return answer.body
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { Action: string }).Action);
}

test("starting, healthy, unhealthy, healthy again", async () => {
  const since = Math.floor(Date.now() / 1000);
  must(engine, [
    "create",
    "--net=none",
    "--name=web",
    ...quick,
    "--health-cmd=cat /ok",
    "busybox",
    "sleep",
    "99",
  ]);
  expect(await healthOf("web")).toBeUndefined();
  must(engine, ["start", "web"]);
  // One that isn't probed before anybody has looked.
  start(engine, ["--name=patient", "--health-interval=1h", "--health-cmd=true"]);
  expect(await healthOf("patient")).toEqual({ Status: "starting", FailingStreak: 0, Log: [] });
  expect(statusText("patient")).toEndWith("(health: starting)");
  const failed = await reaches("web", "unhealthy");
  expect(failed.FailingStreak).toBeGreaterThanOrEqual(2);
  expect(failed.Log[0]).toMatchObject({
    ExitCode: 1,
    Output: "cat: can't open '/ok': No such file or directory\n",
  });
  expect(statusText("web")).toEndWith("(unhealthy)");
  execute(engine, "web", "echo fine >/ok");
  const well = await reaches("web", "healthy");
  expect(well.FailingStreak).toBe(0);
  expect(well.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: "fine\n" });
  expect(statusText("web")).toEndWith("(healthy)");
  expect(must(engine, ["ps", "-q", "--filter", "health=healthy"])).not.toBe("");
  expect(must(engine, ["ps", "-q", "--filter", "health=none"])).toBe("");
  await eventually("five results", async () => (await healthOf("web"))?.Log.length === 5);
  must(engine, ["stop", "-t", "0", "web"]);
  expect((await healthOf("web"))?.Status).toBe("unhealthy");
  const told = await events(since);
  expect(told.filter((action) => action.startsWith("health_status"))).toEqual([
    "health_status: unhealthy",
    "health_status: healthy",
  ]);
  expect(told).toContain("exec_create: /bin/sh -c cat /ok");
  expect(told).toContain("exec_start: /bin/sh -c cat /ok");
  expect(told).toContain("exec_die");
});

test("a probe has its container's user, folder and environment, and leaves no exec behind", async () => {
  const id = start(engine, [
    ...quick,
    "--user=65534:65534",
    "--workdir=/tmp",
    "--env=FROM=container",
    "--health-cmd=echo $(id -u) $(id -g) $PWD $FROM >&2",
  ]);
  const { Log } = await reaches(id, "healthy");
  expect(Log[0]?.Output).toBe("65534 65534 /tmp container\n");
  await eventually("no exec", async () => (await inspect(engine, id)).ExecIDs === null);
});

test("a probe that hangs is killed with what it started, and blocks nothing", async () => {
  const id = start(engine, [...quick, "--health-timeout=200ms", "--health-cmd=echo out; sleep 321; true"]);
  const begun = Date.now();
  must(engine, ["exec", id, "true"]);
  expect(Date.now() - begun).toBeLessThan(5000);
  const { Log } = await reaches(id, "unhealthy");
  expect(Log[0]).toMatchObject({ ExitCode: -1, Output: "Health check exceeded timeout (200ms): out\n" });
  await eventually("one probe at a time at most", () => {
    const processes = must(engine, ["top", id]).split("\n");
    return processes.filter((line) => line.endsWith(" sleep 321")).length <= 1;
  });
});

test("what can't be started has failed; output is cut", async () => {
  const Healthcheck = { Test: ["CMD", "nonesuch"], Interval: 100e6, Retries: 1 };
  const body = { Image: "busybox", Cmd: ["sleep", "99"], Healthcheck, HostConfig: { NetworkMode: "none" } };
  await engine.request("POST", "/containers/create?name=missing", body);
  await engine.request("POST", "/containers/missing/start");
  const text =
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "nonesuch": executable file not found in $PATH';
  const [missing] = (await reaches("missing", "unhealthy")).Log;
  expect(missing?.ExitCode).toBe(-1);
  expect(missing?.Output).toStartWith(text);
  const id = start(engine, [...quick, "--health-cmd=yes | head -c 5000"]);
  expect((await reaches(id, "healthy")).Log[0]?.Output).toBe(`${"y\n".repeat(2048)}...`);
});

test("a paused container is not probed", async () => {
  const id = start(engine, [...quick, "--health-cmd=true"]);
  await reaches(id, "healthy");
  must(engine, ["pause", id]);
  const paused = await healthOf(id);
  await Bun.sleep(500);
  expect(await healthOf(id)).toEqual(paused as Health);
  expect(paused?.Status).toBe("unhealthy");
  must(engine, ["unpause", id]);
  await reaches(id, "healthy");
});

test("health goes on where it was when the engine was killed", async () => {
  const id = start(engine, [...quick, "--health-cmd=test -e /ok"]);
  const before = await reaches(id, "unhealthy");
  await engine.kill();
  await engine.resume();
  const after = await healthOf(id);
  expect(after?.Status).toBe("unhealthy");
  expect(after?.FailingStreak).toBeGreaterThanOrEqual(before.FailingStreak);
  execute(engine, id, "touch /ok");
  await reaches(id, "healthy");
});

test("a probe that an engine left hanging is killed by the next", async () => {
  const id = start(engine, [
    "--health-interval=100ms",
    "--health-timeout=1h",
    "--health-cmd=sleep 654; true",
  ]);
  const hangs = (): number =>
    must(engine, ["top", id])
      .split("\n")
      .filter((line) => line.includes("sleep 654")).length;
  await eventually("a probe that hangs", () => hangs() > 0);
  await engine.kill();
  await engine.resume();
  await eventually("a new probe", async () => (await inspect(engine, id)).ExecIDs?.length === 1);
  await eventually("the old one's end", () => hangs() <= 2);
});

test("an image's healthcheck, overridden and switched off", async () => {
  const built = command(engine, [
    "import",
    "-c",
    "HEALTHCHECK --interval=100ms CMD true",
    "/dev/null",
    "checked",
  ]);
  expect(built.code).toBe(0);
  const made = (flags: readonly string[]): Promise<{ Config: { Healthcheck?: unknown } }> => {
    const id = must(engine, ["create", "--net=none", ...flags, "checked", "x"]);
    return inspect(engine, id) as Promise<{ Config: { Healthcheck?: unknown } }>;
  };
  const image = { Test: ["CMD-SHELL", "true"], Interval: 100e6 };
  expect((await made([])).Config.Healthcheck).toEqual(image);
  expect((await made(["--health-retries=7"])).Config.Healthcheck).toEqual({ ...image, Retries: 7 });
  expect((await made(["--no-healthcheck"])).Config.Healthcheck).toEqual({ ...image, Test: ["NONE"] });
});

test("what is refused", async () => {
  const answer = await engine.request("POST", "/containers/create", {
    Image: "busybox",
    Healthcheck: { Test: ["CMD", "true"], Interval: 5 },
  });
  expect(answer.status).toBe(400);
  expect(answer.json<object>()).toEqual({ message: "Interval in Healthcheck cannot be less than 1ms" });
});
