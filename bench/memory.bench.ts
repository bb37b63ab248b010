/**
 * What idle containers and an idle engine cost in memory.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiConnection } from "./api.ts";
import { startCaisson, startDockerd, startEngines, type RunningEngine } from "./engines.ts";
import type { Bench, Goal, Report, Row } from "./harness.ts";
import { memoryOf, parentOf, type Memory } from "./process-memory.ts";
import { bytes, summarize } from "./statistics.ts";

const few = 10;
const many = 100;
/** How long shims and engines are left alone before they are looked at: engines give back by and by what they don't need. */
const settle = 3000;
const engineSettles = 20_000;

interface Figures {
  /** Medians over the shims of `few` containers, per container. */
  readonly dirty: number;
  readonly pss: number;
  /** Of the daemon alone, with `containers` containers. */
  readonly daemon: number;
  /** Of the daemon and what it started, without shims. */
  readonly engine: number;
  readonly containers: number;
}

const unknown: Figures = {
  dirty: Number.NaN,
  pss: Number.NaN,
  daemon: Number.NaN,
  engine: Number.NaN,
  containers: many,
};

/** Measures memory. */
export default async function memory(bench: Bench): Promise<Report> {
  const { scratch } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const rows: Row[] = [];
  let ours: Figures | undefined;
  for (const engine of running.values()) {
    const figures = await figuresOf(bench, engine);
    const { dirty, pss, daemon, engine: all, containers } = figures;
    rows.push({ name: engine.name, cells: [dirty, pss, daemon, all].map(bytes).concat(String(containers)) });
    if (engine.name === "caisson") ours = figures;
  }
  return {
    title: "Memory of idle containers",
    columns: ["shim, private dirty", "shim, PSS", "daemon, RSS", "daemon and containerd, RSS", "containers"],
    rows,
    goals: goalsOf(ours),
    notes: [
      `Shims: medians over ${few} containers, each the parent of a container's first process. Engines: ` +
        `${engineSettles / 1000} s after the last request, with as many containers running as the last column says.`,
      ...notes,
    ],
  };
}

function goalsOf(figures: Figures | undefined): Goal[] {
  const { dirty, pss, daemon, containers } = figures ?? unknown;
  return [
    { text: "shim, private dirty", value: dirty, limit: 100 << 10, show: bytes },
    { text: "shim, PSS", value: pss, limit: 250 << 10, show: bytes },
    {
      text: `daemon with ${containers} containers, RSS`,
      value: daemon,
      limit: 70e6,
      show: (size: number): string => `${(size / 1e6).toFixed(1)} MB`,
    },
  ];
}

async function figuresOf(
  { quick, say }: Bench,
  { name, socket, pid, processes }: RunningEngine,
): Promise<Figures> {
  using api = new ApiConnection(socket);
  const began = performance.now();
  const ids: string[] = [];
  while (ids.length < few) ids.push(await api.idle());
  const spent = performance.now() - began;
  await sleep(settle);
  const shims: Memory[] = [];
  for (const id of ids) shims.push(memoryOf(parentOf(await api.pid(id))));
  // A peer that takes long for a few containers is not asked for many.
  const containers = quick || spent / few > 1000 ? few : many;
  while (ids.length < containers) ids.push(await api.idle());
  await sleep(engineSettles);
  const daemon = memoryOf(pid).rss;
  const engine = processes.map((each) => memoryOf(each).rss).reduce((sum, rss) => sum + rss, 0);
  say(`${name}: ${containers} containers, ${bytes(daemon)}`);
  return {
    dirty: summarize(shims.map((shim) => shim.privateDirty)).median,
    pss: summarize(shims.map((shim) => shim.pss)).median,
    daemon,
    engine,
    containers,
  };
}
