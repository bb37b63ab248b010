/**
 * Engines under load, while many containers run: many clients at once, followers of a log, a container that writes much, lists
 * and statistics of all; and what engines and shims take of memory and processor meanwhile.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { byClients, churn, drain, follow, lineSize, list, writeAndRead } from "./api-load-work.ts";
import { startCaisson, startDockerd, startEngines, type RunningEngine } from "./engines.ts";
import {
  ownMemory,
  peakMemory,
  processorTime,
  resetPeaks,
  runningContainers,
  shimMemory,
} from "./engine-usage.ts";
import {
  alternate,
  ratio,
  ratioGoal,
  timingColumns,
  timingRows,
  type Bench,
  type Goal,
  type Report,
  type Row,
} from "./harness.ts";
import { bytes, digits, duration, summarize, type Summary } from "./statistics.ts";

interface Sizes {
  readonly rounds: number;
  readonly containers: number;
  readonly churn: number;
  readonly followers: number;
  readonly followed: number;
  readonly written: number;
}

const full: Sizes = {
  rounds: 3,
  containers: 500,
  churn: 80,
  followers: 200,
  followed: 4000,
  written: 500e6,
};
const fewer: Sizes = {
  rounds: 1,
  containers: 100,
  churn: 24,
  followers: 40,
  followed: 2000,
  written: 50e6,
};

/** How long statistics are watched in a round, and before they count: the first look has nothing to compare with. */
const watched = 10_000;
const unwatched = 3000;
/** How long engines are left alone before their memory is looked at: both give back by and by what they don't need. */
const settle = 20_000;
/** The bar: three times dockerd's throughput, a third of its memory. */
const bar = 1 / 3;

/** Measures engines under load. */
export default async function apiLoad(bench: Bench): Promise<Report> {
  const { scratch, quick, say } = bench;
  const sizes = quick ? fewer : full;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const engines = [...running.values()];
  const load = new Load(bench, engines, sizes.rounds);
  const tasks = taskNames(sizes);
  for (const { name, socket } of engines) {
    say(`${name}: ${sizes.containers} containers`);
    await byClients(socket, sizes.containers, async (api) => void (await api.idle()));
  }
  await load.measure([tasks.churn], async ({ socket }) => [await churn(socket, sizes.churn)]);
  // A peer that now and then loses the last lines is measured all the same.
  const lost = (what: string): void => void load.notes.push(`dockerd: ${what}`);
  await load.measure([tasks.follow], async ({ name, socket }) => [
    await follow(socket, sizes.followers, sizes.followed, name === "dockerd" ? lost : undefined),
  ]);
  await load.measure([tasks.write, tasks.read], ({ socket }, warm) =>
    writeAndRead(socket, sizes.written / lineSize / (warm ? 1 : 10)),
  );
  await load.measure([tasks.list], async ({ socket }) => [await list(socket, sizes.containers, 10)]);
  await load.measure([tasks.statistics], async (engine) => [[await statistics(engine)]]);
  await load.remember();
  return {
    title: "Load",
    columns: [
      ...timingColumns,
      "engine's processor time",
      "engine's peak RSS",
      "PSS of engine",
      "PSS of shims",
    ],
    rows: load.rows(),
    goals: [
      ...Object.values(tasks).map((task) => load.ratio(task)),
      load.memoryRatio(),
      {
        text: `${tasks.statistics}, caisson`,
        value: load.median(`${tasks.statistics}, caisson`),
        // 500 of them shall take 5 % of a core.
        limit: 100,
        show: duration,
      },
    ],
    notes: [
      `All of it is done while ${sizes.containers} other containers run.`,
      "The engine is its own processes (dockerd's with containerd, caisson's with executor and resolver), shims are not in it. Its processor time is the median of the rounds, its peak the most of all rounds.",
      `Memory under load is the highest of these peaks and the shims' PSS. Memory afterwards is that ${settle / 1000} s after the last request. Containers themselves are in neither.`,
      ...notes,
      ...load.notes,
    ],
  };
}

type Task = "churn" | "follow" | "write" | "read" | "list" | "statistics";

function taskNames({ containers, followers, followed, written }: Sizes): Record<Task, string> {
  return {
    churn: "create, start, remove by 8 clients, each",
    follow: `${followed} lines to ${followers} followers`,
    write: `a log of ${written / 1e6} MB`,
    read: `a log of ${written / 1e6} MB, read`,
    list: `list of ${containers} containers`,
    statistics: `statistics of ${containers} containers, processor time for each and second`,
  };
}

/** What engines did under load, side by side. */
class Load {
  readonly notes: string[] = [];
  readonly #bench: Bench;
  readonly #engines: readonly RunningEngine[];
  readonly #rounds: number;
  readonly #summaries = new Map<string, Summary>();
  /** Seconds of each round, the one that warms up left out. */
  readonly #spent = new Map<string, number[]>();
  /** By task and engine: bytes, the most of all rounds. */
  readonly #peaks = new Map<string, number>();
  /** By engine, in bytes: the highest peak of all tasks, and what was taken once all was over. */
  readonly #highest = new Map<string, number>();
  readonly #afterwards = new Map<string, { readonly own: number; readonly shims: number }>();

  constructor(bench: Bench, engines: readonly RunningEngine[], rounds: number) {
    this.#bench = bench;
    this.#engines = engines;
    this.#rounds = rounds;
  }

  /**
   * Has the engines work in turn. `work` answers with samples of each of the tasks, in microseconds; the first of each
   * engine, before it is warm, counts for nothing.
   */
  async measure(
    tasks: readonly string[],
    work: (engine: RunningEngine, warm: boolean) => Promise<number[][]>,
  ): Promise<void> {
    const contestants = this.#engines.map((engine) => {
      const names = tasks.map((task) => `${task}, ${engine.name}`);
      const spent: number[] = [];
      this.#spent.set(names[0] ?? "", spent);
      let warm = false;
      const samples = async (): Promise<number[][]> => {
        resetPeaks(engine);
        const before = processorTime(engine);
        const taken = await work(engine, warm);
        const peak = peakMemory(engine);
        raise(this.#peaks, names[0] ?? "", peak);
        raise(this.#highest, engine.name, peak);
        if (warm) spent.push(processorTime(engine) - before);
        warm = true;
        return taken;
      };
      return { names, samples };
    });
    const { summaries, notes } = await alternate(this.#bench, contestants, this.#rounds);
    for (const [name, summary] of summaries) this.#summaries.set(name, summary);
    this.notes.push(...notes);
  }

  /** Looks at the memory of engines and shims, once they had time to give back what they don't need. */
  async remember(): Promise<void> {
    await sleep(settle);
    for (const engine of this.#engines) {
      const memory = { own: ownMemory(engine), shims: await shimMemory(engine) };
      this.#afterwards.set(engine.name, memory);
      this.#bench.say(`${engine.name}: ${bytes(memory.own)}, shims ${bytes(memory.shims)}`);
    }
  }

  median(name: string): number {
    return this.#summaries.get(name)?.median ?? Number.NaN;
  }

  ratio(task: string): Goal {
    return ratioGoal(
      `${task}, caisson / dockerd`,
      this.#summaries,
      `${task}, caisson`,
      `${task}, dockerd`,
      bar,
    );
  }

  memoryRatio(): Goal {
    const of = (name: string): number =>
      (this.#highest.get(name) ?? Number.NaN) + (this.#afterwards.get(name)?.shims ?? Number.NaN);
    return {
      text: "memory under load, caisson / dockerd",
      value: of("caisson") / of("dockerd"),
      limit: bar,
      show: ratio,
    };
  }

  rows(): Row[] {
    const times = timingRows(this.#summaries).map(({ name, cells }) => {
      const spent = this.#spent.get(name);
      const time = spent === undefined ? "" : `${digits(summarize(spent).median * 1000)} ms`;
      return { name, cells: [...cells, time, sizeOrNone(this.#peaks.get(name)), "", ""] };
    });
    const none = [...timingColumns.map(() => ""), ""];
    const memory = [...this.#afterwards].flatMap(([name, { own, shims }]): Row[] => [
      {
        name: `memory under load, ${name}`,
        cells: [...none, sizeOrNone(this.#highest.get(name)), "", bytes(shims)],
      },
      { name: `memory afterwards, ${name}`, cells: [...none, "", bytes(own), bytes(shims)] },
    ]);
    return [...times, ...memory];
  }
}

function raise(most: Map<string, number>, name: string, value: number): void {
  most.set(name, Math.max(value, most.get(name) ?? 0));
}

function sizeOrNone(size: number | undefined): string {
  return size === undefined ? "" : bytes(size);
}

/** Watches the statistics of all containers; what the engine takes of the processor for each and second, in microseconds. */
async function statistics(engine: RunningEngine): Promise<number> {
  const ids = await runningContainers(engine.socket);
  const stop = new AbortController();
  const streams = ids.map((id) =>
    drain(engine.socket, `/v1.40/containers/${id}/stats`, { signal: stop.signal }).catch(() => 0),
  );
  await sleep(unwatched);
  const before = processorTime(engine);
  const began = performance.now();
  await sleep(watched);
  const spent = processorTime(engine) - before;
  const seconds = (performance.now() - began) / 1000;
  stop.abort();
  await Promise.all(streams);
  return (spent * 1e6) / seconds / ids.length;
}
