/**
 * Engines under load: lists of many containers, many clients at once, followers of a log, a container that writes much,
 * statistics of all; and what engines and shims take of memory and processor meanwhile.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiConnection } from "./api.ts";
import { byClients, churn, drain, follow, lineSize, list, write } from "./api-load-work.ts";
import { startCaisson, startDockerd, startEngines, type RunningEngine } from "./engines.ts";
import {
  alternate,
  contestant,
  ratio,
  ratioGoal,
  timingColumns,
  timingRows,
  type Bench,
  type Goal,
  type Outcome,
  type Report,
  type Row,
} from "./harness.ts";
import { memoryOf, parentOf } from "./process-memory.ts";
import { bytes, digits } from "./statistics.ts";

/** How often the kernel counts a process's time in a second (sysconf(3), _SC_CLK_TCK). */
const clockTicks = 100;

interface Sizes {
  readonly rounds: number;
  readonly containers: number;
  readonly churn: number;
  readonly followers: number;
  readonly followed: number;
  readonly written: number;
  /** How long statistics are watched, in milliseconds. */
  readonly watch: number;
}

const full: Sizes = {
  rounds: 3,
  containers: 500,
  churn: 80,
  followers: 200,
  followed: 4000,
  written: 500e6,
  watch: 20_000,
};
const fewer: Sizes = {
  rounds: 1,
  containers: 100,
  churn: 24,
  followers: 40,
  followed: 2000,
  written: 50e6,
  watch: 6000,
};

/** Measures engines under load. */
export default async function apiLoad(bench: Bench): Promise<Report> {
  const { scratch, quick, say } = bench;
  const sizes = quick ? fewer : full;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const engines = [...running.values()];
  const spent = new Map<string, number[]>();
  const measure = (
    task: string,
    rounds: number,
    work: (socket: string) => Promise<number[]>,
  ): Promise<Outcome> =>
    alternate(
      bench,
      engines.map((engine) =>
        contestant(`${task}, ${engine.name}`, async () => {
          const before = processorTime(engine);
          const samples = await work(engine.socket);
          const key = `${task}, ${engine.name}`;
          spent.set(key, [...(spent.get(key) ?? []), processorTime(engine) - before]);
          return samples;
        }),
      ),
      rounds,
    );
  const tasks = taskNames(sizes);
  const outcomes = [
    await measure(tasks.churn, sizes.rounds, (socket) => churn(socket, sizes.churn)),
    await measure(tasks.follow, sizes.rounds, (socket) => follow(socket, sizes.followers, sizes.followed)),
    await measure(tasks.write, 1, (socket) => write(socket, sizes.written / lineSize)),
  ];
  for (const { name, socket } of engines) {
    say(`${name}: ${sizes.containers} containers`);
    await byClients(socket, sizes.containers, async (api) => void (await api.idle()));
  }
  outcomes.push(await measure(tasks.list, sizes.rounds, (socket) => list(socket, sizes.containers, 10)));
  const summaries = new Map(outcomes.flatMap((outcome) => [...outcome.summaries]));
  const rows: Row[] = timingRows(summaries).map(({ name, cells }) => ({
    name,
    cells: [...cells, `${digits((spent.get(name)?.at(-1) ?? Number.NaN) * 1000)} ms`, ""],
  }));
  const memory = new Map<string, number>();
  const load = new Map<string, number>();
  for (const engine of engines) {
    const { name } = engine;
    memory.set(name, await memoryWithShims(engine));
    load.set(name, await statistics(engine, sizes));
    const share = `${digits(load.get(name) ?? Number.NaN)} % of a core`;
    rows.push({
      name: `statistics of ${sizes.containers} containers, ${name}`,
      cells: ["", "", "", "", share, bytes(memory.get(name) ?? Number.NaN)],
    });
    say(`${name}: ${share}, ${bytes(memory.get(name) ?? Number.NaN)}`);
  }
  return {
    title: "Load",
    columns: [...timingColumns, "engine's processor time", "PSS of engine and shims"],
    rows,
    goals: [
      ...Object.values(tasks).map((task) =>
        ratioGoal(`${task}, caisson / dockerd`, summaries, `${task}, caisson`, `${task}, dockerd`, 1 / 3),
      ),
      ...goalsOf(sizes, memory, load),
    ],
    notes: [
      "The processor's time is that of the engine's own processes (dockerd's with containerd) in the last round.",
      "Memory: the engine, all that it started and the shims, after the lists, with all containers running.",
      ...notes,
      ...outcomes.flatMap((outcome) => outcome.notes),
    ],
  };
}

function taskNames({
  containers,
  followers,
  followed,
  written,
}: Sizes): Record<"churn" | "follow" | "write" | "list", string> {
  return {
    churn: "create, start, remove by 8 clients, each",
    follow: `${followed} lines to ${followers} followers`,
    write: `a log of ${written / 1e6} MB`,
    list: `list of ${containers} containers`,
  };
}

function goalsOf(
  sizes: Sizes,
  memory: ReadonlyMap<string, number>,
  load: ReadonlyMap<string, number>,
): Goal[] {
  const of = (name: string): number => memory.get(name) ?? Number.NaN;
  return [
    {
      text: `PSS with ${sizes.containers} containers, caisson / dockerd`,
      value: of("caisson") / of("dockerd"),
      limit: 1 / 3,
      show: ratio,
    },
    {
      text: `statistics of ${sizes.containers} containers, of a core`,
      value: load.get("caisson") ?? Number.NaN,
      limit: 5,
      show: (percent) => `${digits(percent)} %`,
    },
  ];
}

/** Watches the statistics of all containers; what the engine takes of a core meanwhile, in per cent. */
async function statistics(engine: RunningEngine, { watch }: Sizes): Promise<number> {
  const ids = await running(engine.socket);
  const stop = new AbortController();
  const streams = ids.map(({ Id }) =>
    drain(engine.socket, `/v1.40/containers/${Id}/stats`, { signal: stop.signal }).catch(() => 0),
  );
  await sleep(3000);
  const before = processorTime(engine);
  const began = performance.now();
  await sleep(watch);
  const percent = ((processorTime(engine) - before) / ((performance.now() - began) / 1000)) * 100;
  stop.abort();
  await Promise.all(streams);
  return percent;
}

async function running(socket: string): Promise<readonly { readonly Id: string }[]> {
  using api = new ApiConnection(socket);
  return (await api.call("GET", "/v1.40/containers/json")) as readonly { readonly Id: string }[];
}

/** PSS of the engine, of what it started and of the shims, in bytes; containers themselves are left out. */
async function memoryWithShims({ socket, processes }: RunningEngine): Promise<number> {
  const containers = new Set<number>();
  for (const { Id } of await running(socket)) {
    using api = new ApiConnection(socket);
    containers.add(await api.pid(Id));
  }
  const counted = new Set<number>([...processes, ...[...containers].map(parentOf)]);
  const parents = new Map(
    readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map((entry) => [Number(entry), parentOrNone(Number(entry))]),
  );
  for (let before = 0; before < counted.size;) {
    before = counted.size;
    for (const [pid, parent] of parents) if (counted.has(parent) && !containers.has(pid)) counted.add(pid);
  }
  return [...counted].reduce((sum, pid) => sum + memoryOf(pid).pss, 0);
}

function parentOrNone(pid: number): number {
  try {
    return parentOf(pid);
  } catch {
    return 0;
  }
}

/** What the engine's own processes took of the processor since they began, in seconds (proc_pid_stat(5)). */
function processorTime({ processes }: RunningEngine): number {
  let ticks = 0;
  for (const pid of processes) {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / clockTicks;
}
