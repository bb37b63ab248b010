/**
 * What an engine finds that was killed at a chosen moment: what happened without it, what it had not finished, what
 * belongs to nobody any more.
 * @module
 */
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { execute, eventually, inspect, must, pidOf, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const hierarchies = (): string[] =>
  readdirSync("/sys/fs/cgroup")
    .map((name) => join("/sys/fs/cgroup", name))
    .concat("/sys/fs/cgroup");

/** Makes an exec and starts it; its id. */
async function begin(container: string, script: string): Promise<string> {
  const body = { Cmd: ["sh", "-c", script] };
  const { Id } = (await engine.request("POST", `/containers/${container}/exec`, body)).json<{ Id: string }>();
  const started = await engine.request("POST", `/exec/${Id}/start`, { Detach: true });
  expect(started.status).toBe(200);
  return Id;
}

/** An exec's exit code, once it has ended; undefined if the engine doesn't know the exec. */
async function codeOf(exec: string): Promise<number | undefined> {
  const { code } = await eventually("an end of the exec", async () => {
    const answer = await engine.request("GET", `/exec/${exec}/json`);
    if (answer.status !== 200) return { code: undefined };
    const { Running, ExitCode } = answer.json<{ Running: boolean; ExitCode: number | null }>();
    return Running ? undefined : { code: ExitCode ?? undefined };
  });
  return code;
}

test("exit codes of execs: that ended before it was killed, without it, and with their container", async () => {
  const id = start(engine, []);
  const before = await begin(id, "exit 3");
  expect(await codeOf(before)).toBe(3);
  const without = await begin(id, "while [ ! -e /go ]; do sleep 0.01; done; exit 4");
  const withIt = await begin(id, "sleep 1000");
  const pid = await pidOf(engine, id);
  expect(processesNaming(without)).not.toEqual([]);
  await engine.kill();
  await Bun.write(`/proc/${pid}/root/go`, "");
  await eventually("the end of its shim", () => processesNaming(without).length === 0);
  process.kill(pid, "SIGKILL");
  await eventually("its end", () => processesNaming(id).length === 0);
  await engine.resume();
  expect((await inspect(engine, id)).State.ExitCode).toBe(137);
  for (let round = 0; round < 2; round++) {
    expect([await codeOf(before), await codeOf(without), await codeOf(withIt)]).toEqual([3, 4, 137]);
    await engine.kill();
    await engine.resume();
  }
  must(engine, ["rm", id]);
  expect(await codeOf(before)).toBeUndefined();
});

test("a container of --rm that ended without it is removed", async () => {
  const id = start(engine, ["--rm"], ["sleep", "1000"]);
  const pid = await pidOf(engine, id);
  await engine.kill();
  process.kill(pid, "SIGKILL");
  await eventually("its end", () => processesNaming(id).length === 0);
  await engine.resume();
  await eventually("its removal", async () => {
    return (await engine.request("GET", `/containers/${id}/json`)).status === 404;
  });
});

test("a container that was paused is", async () => {
  const id = start(engine, []);
  expect((await engine.request("POST", `/containers/${id}/pause`)).status).toBe(204);
  await engine.kill();
  await engine.resume();
  expect((await inspect(engine, id)).State.Status).toBe("paused");
  expect((await engine.request("POST", `/containers/${id}/unpause`)).status).toBe(204);
  await engine.kill();
  await engine.resume();
  expect((await inspect(engine, id)).State.Status).toBe("running");
  expect(execute(engine, id, "echo here")).toBe("here");
});

test("an executor that is slow starts nothing behind the next engine's back, and leaves", async () => {
  const id = must(engine, ["create", "--net=none", "busybox", "sleep", "1000"]);
  const executors = childrenOf(engine.pid).filter((pid) => commandLine(pid).includes("\0execute"));
  expect(executors.length).toBeGreaterThan(0);
  for (const pid of executors) process.kill(pid, "SIGSTOP");
  const answer = engine.request("POST", `/containers/${id}/start`).catch(() => undefined);
  await Bun.sleep(300);
  await engine.kill();
  await answer;
  // It is on its way again when the next engine has begun.
  const woken = Bun.sleep(600).then(() => executors.forEach((pid) => process.kill(pid, "SIGCONT")));
  await engine.resume();
  await woken;
  const { State } = await inspect(engine, id);
  const shims = processesNaming(id);
  expect([State.Running, shims.length > 0]).toEqual([State.Running, State.Running]);
  if (State.Running) expect(readFileSync(`/proc/${State.Pid}/cgroup`, "utf8")).toContain(id);
  await eventually("an end of the old executors", () =>
    executors.every((pid) => !existsSync(`/proc/${pid}`)),
  );
  await Bun.sleep(300);
  expect(processesNaming(id).length > 0).toBe(State.Running);
});

test("a container whose volumes were filled by half never was, and its volumes are empty or gone", async () => {
  must(engine, ["volume", "create", "known"]);
  const flags = ["--net=none", "-v", "known:/etc", "-v", "/bin"];
  const half = must(engine, ["create", ...flags, "busybox", "true"]);
  const mounts = (await inspect(engine, half)).Mounts;
  const folder = (destination: string): string =>
    mounts.find(({ Destination }) => Destination === destination)?.Source ?? "";
  expect(readdirSync(folder("/etc"))).toContain("passwd");
  await engine.kill();
  {
    using database = new Database(join(engine.dataRoot, "caisson.db"));
    database.run(
      "UPDATE container_states SET state = json_set(state, '$.filling', json('true')) WHERE id = ?",
      [half],
    );
  }
  await engine.resume();
  expect((await engine.request("GET", `/containers/${half}/json`)).status).toBe(404);
  expect(readdirSync(folder("/etc"))).toEqual([]);
  await eventually("an end of the other", () => !existsSync(folder("/bin")));
  // What is made now is made whole.
  expect(must(engine, ["run", "--rm", ...flags, "busybox", "cat", "/etc/passwd"])).toContain("root");
  must(engine, ["volume", "rm", "known"]);
});

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

const commandLine = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "latin1");

test("a container that no row names: its process, files and cgroup go, below its own --cgroup-parent too", async () => {
  const parent = `/caisson-orphan-${process.pid}`;
  const id = start(engine, [`--cgroup-parent=${parent}`]);
  const pid = await pidOf(engine, id);
  const places = hierarchies().map((hierarchy) => join(hierarchy, parent, id));
  expect(places.some((place) => existsSync(place))).toBe(true);
  await engine.kill();
  {
    using database = new Database(join(engine.dataRoot, "caisson.db"));
    for (const table of ["containers", "container_states"])
      database.run(`DELETE FROM ${table} WHERE id = ?`, [id]);
  }
  await engine.resume();
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  await eventually("its shim has left", () => processesNaming(id).length === 0);
  expect(places.filter((place) => existsSync(place))).toEqual([]);
  const left = (readdirSync(engine.directory, { recursive: true }) as string[]).filter(
    (path) => path.includes(id) && !path.includes("trash/"),
  );
  expect(left).toEqual([]);
  for (const hierarchy of hierarchies())
    if (existsSync(join(hierarchy, parent))) rmdirSync(join(hierarchy, parent));
});
