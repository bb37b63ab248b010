/**
 * `kill -9` of the engine at any moment costs nothing: no container, no log line, no exit code of a container or an exec;
 * and leaves nothing.
 * @module
 */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutFrames } from "../support/api.ts";
import { execute, eventually, inspect, must, pidOf, removeAll, run, start } from "../support/containers.ts";
import { TestEngine, type Answer } from "../support/engine.ts";
import { networkOf, storedEndpoints } from "../support/host-network.ts";
import { HostState, processesNaming } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";
import { chooseSeed, random } from "../support/random.ts";

/** How many of each kind of operation are begun at least. */
const WANTED = 200;
const CLIENTS = 4;
/** Lines of each container's log. */
const LINES = 20;
/** Exit codes above this: the container runs on. */
const LASTING = 60;

let engine: TestEngine;
let host: HostState;
beforeAll(async () => {
  engine = await TestEngine.start(`--cgroup-parent=${HostState.parent}`);
  await importBusybox(engine);
  must(engine, ["network", "create", "theirs"]);
  // The parent cgroup is made with the first container.
  run(engine, [], ["true"]);
  // So are the resolver's files.
  run(engine, ["--network=theirs"], ["true"]);
  await eventually("no files of that container", () => !filesOfExecRoot().some((path) => isLeft(path)));
  host = new HostState(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  host[Symbol.dispose]();
});

/** What a client knows of an operation: undefined as long as it had no answer. */
type Outcome = "done" | "refused" | undefined;

interface MadeExec {
  readonly id: string;
  readonly code: number;
  readonly started: Outcome;
}

interface Made {
  readonly name: string;
  /** Undefined: nobody was told of it. */
  id?: string;
  readonly code: number;
  /** Its network; on all but `none` it has a published port. */
  readonly network: "none" | "bridge" | "theirs";
  readonly autoRemove: boolean;
  startAsked: boolean;
  started: Outcome;
  removeAsked: boolean;
  removed: Outcome;
  readonly execs: MadeExec[];
}

const networks = ["none", "bridge", "theirs"] as const;
const made: Made[] = [];
const begun = { starts: 0, execs: 0, removals: 0 };
const acknowledged = { starts: 0, execs: 0, removals: 0 };
const seed = chooseSeed();

/** Resolves when the engine answers: nobody's operation is counted that never reached it. */
let up = Promise.resolve();
let answers = 0;

/** A request whose engine may be killed before it answers. */
async function tried(method: string, path: string, body?: object): Promise<Answer | undefined> {
  await up;
  try {
    const answer = await engine.request(method, path, body);
    answers++;
    return answer;
  } catch {
    return undefined;
  }
}

const outcomeOf = (status: number | undefined, done: number): Outcome =>
  status === undefined ? undefined : status === done ? "done" : "refused";

const enough = (): boolean => Object.values(begun).every((count) => count >= WANTED);

/** What one client does until all have done enough: make, start, exec in, remove. */
async function client(number: number): Promise<void> {
  const next = random(seed + number * 7919);
  for (let turn = 0; !enough(); turn++) {
    const mine: Made = {
      name: `c${number}-${turn}`,
      code: 1 + Math.floor(next() * 100),
      network: networks[Math.floor(next() * networks.length)] ?? "none",
      autoRemove: next() < 0.2,
      startAsked: false,
      started: undefined,
      removeAsked: false,
      removed: undefined,
      execs: [],
    };
    made.push(mine);
    await live(mine, next);
  }
}

async function live(mine: Made, next: () => number): Promise<void> {
  const end = mine.code > LASTING ? "exec sleep 1000" : `exit ${mine.code}`;
  const script = `for i in $(seq ${LINES}); do echo line $i; done; ${end}`;
  const created = await tried("POST", `/containers/create?name=${mine.name}`, {
    Image: "busybox",
    Cmd: ["sh", "-c", script],
    HostConfig: {
      NetworkMode: mine.network,
      AutoRemove: mine.autoRemove,
      ...(mine.network === "none" ? {} : { PortBindings: { "80/tcp": [{ HostPort: "" }] } }),
    },
  });
  if (created?.status !== 201) return;
  const { Id: id } = created.json<{ Id: string }>();
  mine.id = id;
  begun.starts++;
  mine.startAsked = true;
  const started = await tried("POST", `/containers/${id}/start`);
  mine.started = outcomeOf(started?.status, 204);
  if (mine.started === "done") acknowledged.starts++;
  if (mine.code > LASTING && mine.started === "done")
    for (let count = 0; count < 3; count++) await execIn(mine, id, next);
  if (next() < 0.75) {
    begun.removals++;
    mine.removeAsked = true;
    const gone = await tried("DELETE", `/containers/${id}?force=1`);
    mine.removed = outcomeOf(gone?.status, 204);
    if (mine.removed === "done") acknowledged.removals++;
  }
}

async function execIn(mine: Made, id: string, next: () => number): Promise<void> {
  const code = 1 + Math.floor(next() * 120);
  const made = await tried("POST", `/containers/${id}/exec`, { Cmd: ["sh", "-c", `exit ${code}`] });
  if (made?.status !== 201) return;
  const { Id } = made.json<{ Id: string }>();
  begun.execs++;
  const started = await tried("POST", `/exec/${Id}/start`, { Detach: true });
  mine.execs.push({ id: Id, code, started: outcomeOf(started?.status, 200) });
  if (started?.status === 200) acknowledged.execs++;
}

const allLines = Array.from({ length: LINES }, (_, n) => `line ${n + 1}`);

/** The log of a container that has written all that it will. */
async function logOf(id: string): Promise<string[]> {
  const { body } = await engine.request("GET", `/containers/${id}/logs?stdout=1&stderr=1`);
  return withoutFrames(body.toString("utf8")).split("\n").filter(Boolean);
}

/** A container that is listed is whole, and is what its clients were told; returns whether it runs. */
async function checkContainer(id: string, mine: Made): Promise<boolean> {
  const state = await eventually(`an end of ${mine.name}`, async () => {
    const { State } = await inspect(engine, id);
    return State.Running && mine.code <= LASTING ? undefined : State;
  });
  if (state.Running) {
    expect(readFileSync(`/proc/${state.Pid}/cgroup`, "utf8")).toContain(id);
  } else {
    expect(state.Pid).toBe(0);
    await eventually(`no process of ${mine.name}`, () => processesNaming(id).length === 0);
  }
  const ran = state.Status !== "created";
  if (!mine.startAsked) expect(ran).toBe(false);
  if (mine.started === "done") expect(ran).toBe(true);
  // Whoever asked for its removal may have got as far as its kill.
  const killed = mine.removeAsked && state.ExitCode === 137;
  if (ran && !killed) {
    expect(state.Running).toBe(mine.code > LASTING);
    if (!state.Running) expect(state.ExitCode).toBe(mine.code);
    await eventually(`the log of ${mine.name}`, async () => (await logOf(id)).length === LINES || undefined);
    expect(await logOf(id)).toEqual(allLines);
  }
  return state.Running;
}

/** What `inspect` says of a container's places. */
interface Places {
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** Those that run have what they had, each its own; those that ended have nothing. */
async function checkPlaces(
  containers: ReadonlyMap<string, Made>,
  running: ReadonlySet<string>,
): Promise<void> {
  const taken: string[] = [];
  for (const [id, { network }] of containers) {
    if (network === "none") continue;
    const answer = await engine.request("GET", `/containers/${id}/json`);
    const { Networks, Ports } = answer.json<Places>().NetworkSettings;
    const address = Networks[network]?.IPAddress ?? "";
    const port = Ports["80/tcp"]?.[0]?.HostPort;
    expect([id, address !== "", port !== undefined]).toEqual([id, running.has(id), running.has(id)]);
    if (!running.has(id)) continue;
    taken.push(address, `port ${port}`);
    expect(execute(engine, id, "ip -4 addr show eth0")).toContain(`inet ${address}/`);
    if (network === "theirs") expect(execute(engine, id, `nslookup ${id.slice(0, 12)}.`)).toContain(address);
  }
  expect(taken.length).toBeGreaterThan(0);
  expect(new Set(taken).size).toBe(taken.length);
  const links = networkOf(engine).links.filter((name) => name.startsWith("veth"));
  expect(links.length).toBe(taken.length / 2);
}

/** An exec that a client was told of ended as its program did; of another nothing or the same is known. */
async function checkExec({ id, code, started }: MadeExec, killed: boolean): Promise<void> {
  const known = await eventually(`an end of the exec ${id}`, async () => {
    const answer = await engine.request("GET", `/exec/${id}/json`);
    if (answer.status !== 200) return { ExitCode: undefined };
    const now = answer.json<{ Running: boolean; ExitCode: number | null }>();
    return now.Running ? undefined : { ExitCode: now.ExitCode ?? undefined };
  });
  const allowed: (number | undefined)[] = [code];
  if (started !== "done") allowed.push(undefined);
  // One that its container's end overtook.
  if (killed) allowed.push(137);
  expect(allowed).toContain(known.ExitCode);
}

test(`at random moments during ${WANTED} starts, ${WANTED} execs and ${WANTED} removals`, async () => {
  console.log(`CAISSON_SEED=${seed}`);
  const filesBefore = filesOfExecRoot();
  const networkBefore = networkOf(engine);
  const steady = start(engine, [], ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"]);
  const steadyPid = await pidOf(engine, steady);
  const next = random(seed);
  let kills = 0;
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number + 1)));
  let busy = true;
  void clients.finally(() => (busy = false));
  while (busy) {
    // After some answers, in the midst of the next operations; now and then as soon as it is back.
    const target = answers + Math.floor(next() * 60);
    await eventually("answers", () => answers >= target || !busy || undefined, 60);
    await Bun.sleep(next() * 40);
    const back = Promise.withResolvers<void>();
    up = back.promise;
    await engine.kill();
    await engine.resume();
    back.resolve();
    kills++;
  }
  await clients;
  await engine.kill();
  await engine.resume();
  console.log(
    `${kills} kills; begun ${JSON.stringify(begun)}, of them acknowledged ${JSON.stringify(acknowledged)}`,
  );
  for (const count of Object.values(begun)) expect(count).toBeGreaterThanOrEqual(WANTED);
  for (const count of Object.values(acknowledged)) expect(count).toBeGreaterThan(WANTED / 2);
  // Enough operations were cut off for it to matter.
  expect(kills).toBeGreaterThan(5);

  // Of those that remove themselves the last ones may be about to.
  const listed = await eventually("the ends of those that remove themselves", async () => {
    const all = (await engine.request("GET", "/containers/json?all=1")).json<
      { Id: string; Names: string[]; State: string }[]
    >();
    const waiting = all.some(({ Names, State }) => {
      const mine = made.find(({ name }) => Names.includes(`/${name}`));
      return mine?.autoRemove === true && State === "exited";
    });
    return waiting ? undefined : all;
  });
  const byName = new Map(listed.flatMap(({ Id, Names }) => Names.map((name) => [name, Id] as const)));
  const running = new Set<string>([steady]);
  for (const mine of made) {
    const id = byName.get(`/${mine.name}`);
    if (mine.removed === "done") expect([mine.name, id]).toEqual([mine.name, undefined]);
    // Whoever was told of it finds it, unless it removed itself when it ended.
    const mayBeGone = mine.removeAsked || mine.id === undefined || (mine.autoRemove && mine.startAsked);
    if (!mayBeGone) expect([mine.name, id]).toEqual([mine.name, mine.id]);
    if (id === undefined) {
      if (mine.id !== undefined)
        expect((await engine.request("GET", `/containers/${mine.id}/json`)).status).toBe(404);
      continue;
    }
    if (mine.id !== undefined) expect(id).toBe(mine.id);
    if (await checkContainer(id, mine)) running.add(id);
    const { State } = await inspect(engine, id);
    for (const exec of mine.execs) await checkExec(exec, State.ExitCode === 137);
  }

  // Each name is free or taken, as the list says.
  for (const { name } of made.filter((_, n) => n % 10 === 0)) {
    const body = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
    const answer = await engine.request("POST", `/containers/create?name=${name}`, body);
    expect([name, answer.status]).toEqual([name, byName.has(`/${name}`) ? 409 : 201]);
    if (answer.status === 201) await engine.request("DELETE", `/containers/${name}`);
  }

  // Who ran goes on running, with its whole log, and takes an exec.
  expect(await pidOf(engine, steady)).toBe(steadyPid);
  expect(execute(engine, steady, "echo here")).toBe("here");
  const counted = await logOf(steady);
  expect(counted.length).toBeGreaterThan(50);
  expect(counted).toEqual(Array.from(counted, (_, n) => String(n + 1)));

  const whole = new Map(
    made.flatMap((mine) => {
      const id = byName.get(`/${mine.name}`);
      return id === undefined ? [] : [[id, mine] as const];
    }),
  );
  await checkPlaces(whole, running);

  // Nothing is left of what is gone: bundles, folders, layers.
  const known = new Set([...byName.values(), steady]);
  const named = (): string[] =>
    (readdirSync(engine.directory, { recursive: true }) as string[])
      .map((path) => path.split("/").at(-1) ?? "")
      .filter(
        (name) => /^[0-9a-f]{64}$/.test(name) && made.some(({ id }) => id === name) && !known.has(name),
      );
  await eventually("no files of containers that are gone", () => named().length === 0);
  for (const { id } of made)
    if (id !== undefined && !running.has(id)) expect([id, processesNaming(id)]).toEqual([id, []]);

  // With the last container the machine is as it was.
  await removeAll(engine);
  await eventually("the files of the exec root as before", () => {
    return JSON.stringify(filesOfExecRoot()) === JSON.stringify(filesBefore) || undefined;
  }).catch(() => expect(filesOfExecRoot()).toEqual(filesBefore));
  await host.expectUnchanged(new Set(made.flatMap(({ id }) => id ?? [])));
  await eventually("the links and elements of before", () => {
    return JSON.stringify(networkOf(engine)) === JSON.stringify(networkBefore) || undefined;
  }).catch(() => expect(networkOf(engine)).toEqual(networkBefore));

  await engine.stop();
  await eventually("an end of executors and spare shims", () => host.survivors().length === 0).catch(() =>
    expect(host.survivors()).toEqual([]),
  );
  checkDatabases();
  expect(storedEndpoints(engine)).toBe(0);
  await engine.resume();
}, 500_000);

/** Everything below the exec root but the socket of a shim that waits for work, of which there is one or none. */
function filesOfExecRoot(): string[] {
  const paths = readdirSync(engine.execRoot, { recursive: true }) as string[];
  const spares = paths.filter((path) => /^caisson-native\.\d+\.sock$/.test(path));
  expect(spares.length).toBeLessThan(2);
  return paths.filter((path) => !spares.includes(path)).sort();
}

/** Of a container, in its place or in the trash. */
const isLeft = (path: string): boolean => /[0-9a-f]{64}/.test(path);

function checkDatabases(): void {
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
}
