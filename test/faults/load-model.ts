/**
 * What must be true of an engine that was killed under a {@link Load} and has settled: what was answered holds, what was
 * cut off was done or not, and nothing is there by half.
 * @module
 */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutFrames } from "../support/api.ts";
import { eventually, inspect, type Inspection } from "../support/containers.ts";
import type { TestEngine } from "../support/engine.ts";
import { processesNaming } from "../support/host-state.ts";
import { RETRIES, type Load, type Made, type MadeExec, type MadeThing } from "./load.ts";

type Wrong = string[];

/** How much was checked. */
export interface Checked {
  readonly containers: number;
  readonly running: number;
  readonly lines: number;
  readonly execs: number;
}

/** Everything that is wrong, beside how much was looked at. */
export async function compare(engine: TestEngine, load: Load): Promise<{ wrong: Wrong; checked: Checked }> {
  const wrong: Wrong = [...load.wrong];
  const checked = { containers: 0, running: 0, lines: 0, execs: 0 };
  const list = (await engine.request("GET", "/containers/json?all=1")).json<
    { Id: string; Names: string[] }[]
  >();
  const names = list.flatMap(({ Names }) => Names);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(list.map(({ Id }) => Id)).size).toBe(list.length);
  const ids = new Map(list.flatMap(({ Id, Names }) => Names.map((name) => [name, Id] as const)));
  const known = new Set(load.containers.map(({ name }) => `/${name}`));
  wrong.push(...names.filter((name) => !known.has(name)).map((name) => `nobody made ${name}`));
  const places: string[] = [];
  for (const made of load.containers) {
    const id = ids.get(`/${made.name}`);
    checkPresence(made, id, wrong);
    const inspection = id === undefined ? undefined : await settled(engine, id, made);
    if (id === undefined || inspection === undefined) {
      if (id !== undefined && !made.autoRemove) wrong.push(`${made.name} is listed, but not there`);
      await checkGone(engine, made, wrong);
      continue;
    }
    checked.containers++;
    const { State, lines } = await checkContainer(engine, inspection, made, wrong);
    checked.lines += lines;
    if (State.Running) {
      checked.running++;
      await checkPlace(engine, id, made, { wrong, places });
    }
    for (const exec of made.execs)
      await checkExec(engine, made, exec, { wrong, killed: State.ExitCode === 137 });
    checked.execs += made.execs.length;
  }
  if (new Set(places).size !== places.length) wrong.push(`a place was given twice: ${places.join(" ")}`);
  await checkThings(engine, load, wrong);
  return { wrong, checked };
}

/** Whether it may be there, and may be away. */
function checkPresence(
  { name, id: told, create, start, remove, autoRemove }: Made,
  id: string | undefined,
  wrong: Wrong,
): void {
  const mayBeAway = told === undefined || remove.asked || (autoRemove && start.asked);
  if (id === undefined && !mayBeAway) wrong.push(`${name} is lost: its create was answered (${told})`);
  if (id !== undefined && remove.outcome === "done")
    wrong.push(`${name} is there although its removal was answered`);
  if (id !== undefined && told === undefined && remove.outcome === "refused")
    wrong.push(`${name} is there although it was not found`);
  if (id !== undefined && told !== undefined && id !== told)
    wrong.push(`${name} is ${id}, its client was told ${told}`);
  if (id !== undefined && !create.asked) wrong.push(`${name} is there although nobody asked`);
}

async function checkGone(engine: TestEngine, { name, id }: Made, wrong: Wrong): Promise<void> {
  if (id === undefined) return;
  const { status } = await engine.request("GET", `/containers/${id}/json`);
  if (status !== 404) wrong.push(`${name} isn't listed, but ${id} answers ${status}`);
}

const say = (made: Made, state: Inspection["State"]): string =>
  `${made.name} (${made.kind}, ${JSON.stringify(state)})`;

async function checkContainer(
  engine: TestEngine,
  { Id: id, State, RestartCount }: Inspection,
  made: Made,
  wrong: Wrong,
): Promise<{ State: Inspection["State"]; lines: number }> {
  const { kind, code, start, stop, remove } = made;
  const ran = State.Status !== "created";
  if (!start.asked && ran) wrong.push(`${say(made, State)} runs although nobody started it`);
  if (start.outcome === "done" && !ran)
    wrong.push(`${say(made, State)} never ran although its start was answered`);
  const mayBeStopped = stop.asked || remove.asked;
  if (!State.Running && (await processesLeft(id))) wrong.push(`processes are left of ${say(made, State)}`);
  if (!ran) return { State, lines: 0 };
  const lines = await checkLog(engine, id, made, State.Running, wrong);
  if (kind === "steady") {
    if (!State.Running && !mayBeStopped) wrong.push(`${say(made, State)} ended by itself`);
    if (State.Running && stop.outcome === "done")
      wrong.push(`${say(made, State)} runs although its stop was answered`);
  } else if (!(mayBeStopped && State.ExitCode === 137)) {
    if (State.Running || State.ExitCode !== code)
      wrong.push(`${say(made, State)} shall have ended with ${code}`);
    if (kind === "failing" && !mayBeStopped && RestartCount !== RETRIES)
      wrong.push(`${say(made, State)} was restarted ${RestartCount} times`);
  }
  return { State, lines };
}

/** A container that shall end is waited for; undefined: it has removed itself. */
async function settled(
  engine: TestEngine,
  id: string,
  { name, kind }: Made,
): Promise<Inspection | undefined> {
  const { found } = await eventually(
    `an end of ${name}`,
    async () => {
      const answer = await engine.request("GET", `/containers/${id}/json`);
      if (answer.status === 404) return { found: undefined };
      const inspection = answer.json<Inspection>();
      const { Running, Restarting } = inspection.State;
      return kind !== "steady" && (Running || Restarting) ? undefined : { found: inspection };
    },
    60,
  );
  return found;
}

async function processesLeft(id: string): Promise<boolean> {
  return !(await eventually("no process", () => processesNaming(id).length === 0).catch(() => false));
}

/** Every line that it wrote, in order, each once, in each of its runs. Returns how many. */
async function checkLog(
  engine: TestEngine,
  id: string,
  made: Made,
  running: boolean,
  wrong: Wrong,
): Promise<number> {
  const runs = numberIn(join(made.acknowledged, "runs")) ?? 0;
  // What it acknowledged is on its way at most.
  const acknowledged = Array.from(
    { length: runs },
    (_, run) => numberIn(join(made.acknowledged, String(run + 1))) ?? 0,
  );
  let log: string[] = [];
  const complete = (): boolean =>
    acknowledged.every((last, run) => last === 0 || log.includes(`${run + 1} ${last}`));
  await eventually("its log", async () => {
    log = await logOf(engine, id);
    return complete();
  }).catch(() =>
    wrong.push(`${made.name} wrote ${acknowledged.join(", ")} lines, its log ends with ${log.at(-1)}`),
  );
  // A run may have begun since it was asked how many there were.
  const begun = log.reduce((most, line) => Math.max(most, Number.parseInt(line, 10)), runs);
  const wanted = Array.from({ length: begun }, (_, run) => {
    const count = log.filter((line) => line.startsWith(`${run + 1} `)).length;
    return Array.from({ length: count }, (_, line) => `${run + 1} ${line + 1}`);
  }).flat();
  if (JSON.stringify(log) !== JSON.stringify(wanted))
    wrong.push(`the log of ${made.name} has gaps or doubles: ${differ(log, wanted)}`);
  if (made.kind === "failing" && !made.remove.asked && runs !== RETRIES + 1)
    wrong.push(`${made.name} ran ${runs} times`);
  if (made.kind !== "failing" && runs > 1) wrong.push(`${made.name} ran ${runs} times`);
  const whole = log.filter((line) => line.startsWith(`${runs} `)).length === made.lines;
  if (!running && made.kind !== "steady" && !made.remove.asked && !whole)
    wrong.push(`${made.name} ended after ${log.length} lines of ${made.lines}`);
  return log.length;
}

function differ(log: readonly string[], wanted: readonly string[]): string {
  const at = log.findIndex((line, index) => line !== wanted[index]);
  return JSON.stringify(log.slice(Math.max(0, at - 3), at + 4));
}

async function logOf(engine: TestEngine, id: string): Promise<string[]> {
  const { body } = await engine.request("GET", `/containers/${id}/logs?stdout=1&stderr=1`);
  return withoutFrames(body.toString("utf8")).split("\n").filter(Boolean);
}

/** The number that a container wrote, which may be writing it. */
function numberIn(path: string): number | undefined {
  for (let tries = 0; tries < 100 && existsSync(path); tries++) {
    const text = readFileSync(path, "utf8").trim();
    if (text !== "") return Number(text);
  }
  return undefined;
}

interface Finding {
  readonly wrong: Wrong;
  /** Addresses and ports that containers have. */
  readonly places: string[];
}

interface Published {
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
  readonly State: { readonly Health?: { readonly Status: string } };
}

/** It has its address, answers on its port, under its name, and is healthy. */
async function checkPlace(
  engine: TestEngine,
  id: string,
  made: Made,
  { wrong, places }: Finding,
): Promise<void> {
  const look = async (): Promise<Published> =>
    (await engine.request("GET", `/containers/${id}/json`)).json<Published>();
  await eventually(
    `${made.name} is healthy`,
    async () => (await look()).State.Health?.Status === "healthy",
    30,
  ).catch((error: Error) => wrong.push(error.message));
  if (made.network === "none") return;
  const { Networks, Ports } = (await look()).NetworkSettings;
  const address = Networks[made.network]?.IPAddress ?? "";
  const port = Ports["80/tcp"]?.[0]?.HostPort ?? "";
  if (address === "" || port === "") wrong.push(`${made.name} runs without its place: ${address}:${port}`);
  places.push(address, `port ${port}`);
  const { stdout, stderr } = engine.runInside("curl", ["-sS", "-m30", `http://127.0.0.1:${port}/runs`]);
  if (stdout.trim() !== "1")
    wrong.push(`port ${port} of ${made.name} answers ${JSON.stringify(stdout + stderr)}`);
}

async function checkExec(
  engine: TestEngine,
  made: Made,
  { id, code, started }: MadeExec,
  { wrong, killed }: { wrong: Wrong; killed: boolean },
): Promise<void> {
  const end = await eventually(`an end of an exec in ${made.name}`, async () => {
    const answer = await engine.request("GET", `/exec/${id}/json`);
    if (answer.status !== 200) return { code: undefined };
    const { Running, ExitCode } = answer.json<{ Running: boolean; ExitCode: number | null }>();
    return Running ? undefined : { code: ExitCode ?? undefined };
  });
  const allowed: (number | undefined)[] = [
    code,
    ...(started === "done" ? [] : [undefined]),
    ...(killed ? [137] : []),
  ];
  // Refused: its container had ended.
  if (started === "refused") return;
  if (!allowed.includes(end.code))
    wrong.push(`an exec in ${made.name} ended with ${end.code} instead of ${code}`);
}

/** Volumes and networks: there if their making was answered, gone if their removal was. */
async function checkThings(engine: TestEngine, load: Load, wrong: Wrong): Promise<void> {
  const check = (things: readonly MadeThing[], found: ReadonlySet<string>): void => {
    for (const { name, create, remove } of things) {
      if (create.outcome === "done" && !remove.asked && !found.has(name)) wrong.push(`${name} is lost`);
      if (remove.outcome === "done" && found.has(name))
        wrong.push(`${name} is there although it was removed`);
    }
  };
  const { Volumes } = (await engine.request("GET", "/volumes")).json<{ Volumes: { Name: string }[] }>();
  check(load.volumes, new Set(Volumes.map(({ Name }) => Name)));
  const networks = (await engine.request("GET", "/networks")).json<{ Name: string }[]>();
  check(load.networks, new Set(networks.map(({ Name }) => Name)));
  // Anonymous ones belong to containers.
  const used = new Set<string>();
  for (const { Id } of (await engine.request("GET", "/containers/json?all=1")).json<{ Id: string }[]>())
    for (const { Name } of (await inspect(engine, Id)).Mounts) if (Name !== undefined) used.add(Name);
  for (const { Name } of Volumes)
    if (/^[0-9a-f]{64}$/.test(Name) && !used.has(Name)) wrong.push(`the volume ${Name} is nobody's`);
}
