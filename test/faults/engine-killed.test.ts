/**
 * `kill -9` of the engine at any moment costs nothing: no container, no log line, no exit code; and leaves nothing.
 * @module
 */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execute, eventually, inspect, must, pidOf, removeAll, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { cgroupsOf, mountsBelow, processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

interface Made {
  readonly code: number;
  /** The client was told that it was started, or removed. */
  started: boolean;
  removing: boolean;
  removed: boolean;
}

/** Every container whose creation a client was told of. */
const made = new Map<string, Made>();
let operations = 0;

/** Numbers that are the same in each run (Marsaglia's xorshift). */
function random(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** A request that may find no engine. */
async function attempt<T>(doing: () => Promise<T>): Promise<T | undefined> {
  try {
    return await doing();
  } catch {
    await Bun.sleep(20);
    return undefined;
  }
}

const lines = 20;

/** What one client does until it has done its share: make and start, exec in, remove. */
async function client(seed: number, until: number): Promise<void> {
  const next = random(seed);
  while (operations < until) {
    const code = 1 + Math.floor(next() * 100);
    const script = `for i in $(seq ${lines}); do echo line $i; done; [ ${code} -gt 70 ] && sleep 1000; exit ${code}`;
    const body = { Image: "busybox", Cmd: ["sh", "-c", script], HostConfig: { NetworkMode: "none" } };
    const created = await attempt(() => engine.request("POST", "/containers/create", body));
    if (created?.status !== 201) continue;
    const { Id } = created.json<{ Id: string }>();
    const mine: Made = { code, started: false, removing: false, removed: false };
    made.set(Id, mine);
    operations++;
    const started = await attempt(() => engine.request("POST", `/containers/${Id}/start`));
    if (started?.status === 204) mine.started = true;
    operations++;
    if (code > 70 && mine.started) {
      const exec = await attempt(() => engine.request("POST", `/containers/${Id}/exec`, { Cmd: ["true"] }));
      if (exec?.status === 201) {
        const { Id: execId } = exec.json<{ Id: string }>();
        await attempt(() => engine.request("POST", `/exec/${execId}/start`, { Detach: true }));
        operations++;
      }
    }
    if (next() < 0.4) {
      mine.removing = true;
      const gone = await attempt(() => engine.request("DELETE", `/containers/${Id}?force=1`));
      if (gone?.status === 204) mine.removed = true;
      operations++;
    }
  }
}

test("at random moments during 200 creates, starts, execs and removals; exec codes and namespaces are not looked at", async () => {
  const steady = start(engine, [], ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"]);
  const steadyPid = await pidOf(engine, steady);
  const next = random(4711);
  let kills = 0;
  const clients = Promise.all([client(1, 200), client(2, 200), client(3, 200)]);
  let busy = true;
  void clients.then(() => (busy = false));
  while (busy) {
    await Bun.sleep(50 + next() * 500);
    await engine.kill();
    await engine.resume();
    kills++;
  }
  await clients;
  await engine.kill();
  await engine.resume();
  expect(kills).toBeGreaterThan(2);

  // Nothing that a client was told of is lost, and what was removed stays so.
  const listed = (await engine.request("GET", "/containers/json?all=1"))
    .json<{ Id: string }[]>()
    .map(({ Id }) => Id);
  for (const [id, { removed, removing }] of made) {
    if (removed) expect(listed).not.toContain(id);
    else if (!removing) expect(listed).toContain(id);
  }
  for (const id of listed) {
    const mine = made.get(id);
    if (mine === undefined || !mine.started || mine.removing) continue;
    if (mine.code > 70) {
      expect((await inspect(engine, id)).State.Running).toBe(true);
    } else {
      const { State } = await eventually("an end", async () => {
        const now = await inspect(engine, id);
        return now.State.Running ? undefined : now;
      });
      expect(State.ExitCode).toBe(mine.code);
    }
    const logged = must(engine, ["logs", id]);
    expect(logged.split("\n")).toEqual(Array.from({ length: lines }, (_, n) => `line ${n + 1}`));
  }

  // Who ran goes on running, with its whole log, and takes an exec.
  expect(await pidOf(engine, steady)).toBe(steadyPid);
  expect(execute(engine, steady, "echo here")).toBe("here");
  const counted = must(engine, ["logs", steady]).split("\n");
  expect(counted.length).toBeGreaterThan(50);
  expect(counted).toEqual(Array.from(counted, (_, n) => String(n + 1)));

  // Nothing is left of what is gone: bundles, folders, layers, cgroups, shims, mounts.
  const known = new Set(listed);
  const isId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
  const named = (readdirSync(engine.directory, { recursive: true }) as string[])
    .map((path) => path.split("/").at(-1) ?? "")
    .filter((name) => isId(name) && made.has(name) && !known.has(name));
  expect(named).toEqual([]);
  const gone = new Set([...made.keys()].filter((id) => !known.has(id)));
  expect(cgroupsOf(gone)).toEqual([]);
  expect(mountsBelow(engine.directory)).toEqual([]);
  const running = new Set(
    (await engine.request("GET", "/containers/json")).json<{ Id: string }[]>().map(({ Id }) => Id),
  );
  for (const id of made.keys()) {
    const { length } = processesNaming(id);
    if (!running.has(id)) expect(length).toBe(0);
  }

  await removeAll(engine);
  await engine.stop();
  const files = (readdirSync(engine.dataRoot, { recursive: true }) as string[]).filter((path) => {
    if (!/\.(db|sqlite3?)$/.test(path)) return false;
    return readFileSync(join(engine.dataRoot, path)).subarray(0, 15).toString() === "SQLite format 3";
  });
  expect(files.length).toBeGreaterThan(0);
  for (const path of files) {
    using database = new Database(join(engine.dataRoot, path));
    expect(database.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    expect(database.query("PRAGMA foreign_key_check").all()).toEqual([]);
  }
  await engine.resume();
}, 120_000);
