/**
 * What many published ports cost: time to start and to remove, and the memory of their proxies.
 * @module
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { ApiConnection } from "./api.ts";
import { startCaisson, startDockerd, startEngines, type RunningEngine } from "./engines.ts";
import { firstLine, ratio, type Bench, type Goal, type Report, type Row } from "./harness.ts";
import { createBody, type ContainerRequest } from "./network-lab.ts";
import { memoryOf } from "./process-memory.ts";
import { bytes, duration, summarize } from "./statistics.ts";

interface Figures {
  /** Microseconds of the start, and from the kill to the end of the removal. */
  readonly start: number;
  readonly end: number;
  readonly proxies: number;
  /** Of all proxies together. */
  readonly pss: number;
}

/** Ports of which no two are neighbours, so that nobody can make a range of them. */
function scattered(count: number): ContainerRequest["publish"] {
  return Array.from({ length: count }, (_, i) => [20_000 + 2 * i, 1000 + 3 * i] as const);
}

/** Ports one after the other. */
function range(count: number): ContainerRequest["publish"] {
  return Array.from({ length: count }, (_, i) => [20_000 + i, 20_000 + i] as const);
}

/** Measures published ports. */
export default async function publishedPorts(bench: Bench): Promise<Report> {
  const { scratch, quick, say } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const many = quick ? 100 : 1000;
  const cases: readonly (readonly [name: string, ports: ContainerRequest["publish"], only?: string])[] = [
    ["1 port", scattered(1)],
    [`${many} ports`, scattered(many)],
    [`a range of ${many} ports`, range(many)],
    ["a range of 10000 ports", range(10_000), "caisson"],
  ];
  const found = new Map<string, Figures>();
  for (const [name, publish, only] of cases) {
    for (const engine of running.values()) {
      if (only !== undefined && only !== engine.name) continue;
      try {
        const figures = await measure(engine, publish, only === undefined && publish?.length !== 1 ? 1 : 5);
        found.set(`${engine.name}, ${name}`, figures);
        say(`${engine.name}, ${name}: ${duration(figures.start)}, ${bytes(figures.pss)}`);
      } catch (error) {
        notes.push(`${engine.name}, ${name} is missing: ${firstLine(error)}`);
      }
    }
  }
  return {
    title: "Networks: many published ports",
    columns: ["start", "kill and removal", "proxies", "their PSS"],
    rows: [...found].map(([name, figures]) => row(name, figures)),
    goals: goals(many, found),
    notes: [
      "Each port is published on both families. One start of many ports, medians of 5 of the others. dockerd isn't asked " +
        "for 10,000 ports: it starts two processes for each.",
      ...notes,
    ],
  };
}

function row(name: string, { start, end, proxies, pss }: Figures): Row {
  return { name, cells: [duration(start), duration(end), String(proxies), bytes(pss)] };
}

function goals(many: number, found: ReadonlyMap<string, Figures>): Goal[] {
  const quotient = (text: string, of: keyof Figures, ours: string, theirs: string, limit: number): Goal => {
    const value = (found.get(ours)?.[of] ?? Number.NaN) / (found.get(theirs)?.[of] ?? Number.NaN);
    return { text, value, limit, show: ratio };
  };
  const [ours, theirs] = ["caisson", "dockerd"].map((engine) => `${engine}, ${many} ports`);
  return [
    quotient(`${many} ports: start, caisson / dockerd`, "start", ours ?? "", theirs ?? "", 1),
    quotient(`${many} ports: PSS of the proxies, caisson / dockerd`, "pss", ours ?? "", theirs ?? "", 1),
    quotient(
      "start of 10000 ports / of one",
      "start",
      "caisson, a range of 10000 ports",
      "caisson, 1 port",
      2,
    ),
  ];
}

/** The median of so many starts. */
async function measure(
  engine: RunningEngine,
  publish: ContainerRequest["publish"],
  count: number,
): Promise<Figures> {
  const taken: Figures[] = [];
  while (taken.length < count) taken.push(await measureOnce(engine, publish));
  const median = (of: keyof Figures): number => summarize(taken.map((figures) => figures[of])).median;
  return { start: median("start"), end: median("end"), proxies: median("proxies"), pss: median("pss") };
}

async function measureOnce(engine: RunningEngine, publish: ContainerRequest["publish"]): Promise<Figures> {
  using api = new ApiConnection(engine.socket);
  const body = createBody({ network: "bridge", ...(publish === undefined ? {} : { publish }) });
  const { Id } = (await api.call("POST", "/v1.44/containers/create", body)) as { readonly Id: string };
  try {
    const began = performance.now();
    await api.call("POST", `/v1.44/containers/${Id}/start`);
    const start = (performance.now() - began) * 1000;
    const proxies = proxiesOf(engine);
    const pss = proxies.map((pid) => memoryOf(pid).pss).reduce((sum, one) => sum + one, 0);
    const ended = performance.now();
    await api.call("POST", `/v1.44/containers/${Id}/kill`);
    await api.call("POST", `/v1.44/containers/${Id}/wait`);
    await api.call("DELETE", `/v1.44/containers/${Id}`);
    return { start, end: (performance.now() - ended) * 1000, proxies: proxies.length, pss };
  } catch (error) {
    await api.call("DELETE", `/v1.44/containers/${Id}?force=1`);
    throw error;
  }
}

/** Pids of the proxies in an engine's network namespace. */
function proxiesOf({ pid: engine }: RunningEngine): number[] {
  const read = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "";
    } catch {
      return "";
    }
  };
  const namespace = (pid: string | number): string => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return "";
    }
  };
  const ours = namespace(engine);
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && /(^|\/)(docker|caisson)-proxy$/.test(read(pid)))
    .filter((pid) => namespace(pid) === ours)
    .map(Number);
}
