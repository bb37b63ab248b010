/**
 * Runs benchmarks and writes what they found into RESULTS.md.
 *
 *   bun bench/run.ts [--quick] [--check] [--dry] [NAME…]
 *
 * --quick takes fewer rounds and smaller sizes, --check ends with 1 if a goal was missed, --dry writes no file.
 * @module
 */
import { firstLine, isMet, type Benchmark, type Goal, type Report } from "./harness.ts";
import { machine } from "./machine.ts";
import { markdown, prepend } from "./results.ts";
import { Scratch } from "./scratch.ts";

const benchmarks: Readonly<Record<string, () => Promise<{ default: Benchmark }>>> = {
  start: () => import("./start.bench.ts"),
  exec: () => import("./exec.bench.ts"),
  memory: () => import("./memory.bench.ts"),
  stdin: () => import("./stdin.bench.ts"),
  pull: () => import("./pull.bench.ts"),
  "network-start": () => import("./network-start.bench.ts"),
  "network-throughput": () => import("./network-throughput.bench.ts"),
  "published-ports": () => import("./published-ports.bench.ts"),
  dns: () => import("./dns.bench.ts"),
  "api-load": () => import("./api-load.bench.ts"),
};

const flags = process.argv.slice(2).filter((word) => word.startsWith("-"));
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const names = words.length > 0 ? words : Object.keys(benchmarks);
const unknown = [
  ...names.filter((name) => !(name in benchmarks)),
  ...flags.filter((flag) => !["--quick", "--check", "--dry"].includes(flag)),
];
if (unknown.length > 0) {
  console.error(`there is no ${unknown.join(", ")}; benchmarks: ${Object.keys(benchmarks).join(" ")}`);
  process.exit(2);
}

/** Set when the run was interrupted: then nothing else begins. */
let stopping = false;
const say = (text: string): void => console.error(text);

async function measure(name: string, load: () => Promise<{ default: Benchmark }>): Promise<Report> {
  const began = performance.now();
  say(`== ${name}`);
  try {
    const { default: benchmark } = await load();
    await using scratch = new Scratch();
    const interrupted = (): void => {
      stopping = true;
      void scratch[Symbol.asyncDispose]().finally(() => process.exit(130));
    };
    process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
    try {
      return await benchmark({ scratch, quick: flags.includes("--quick"), say });
    } finally {
      process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    }
  } catch (error) {
    if (stopping) await new Promise(() => {});
    const reason = firstLine(error);
    say(`${name} failed: ${reason}`);
    const goal: Goal = { text: `${name} can be measured`, value: Number.NaN, limit: 0, show: String };
    return { title: name, columns: [], rows: [], goals: [goal], notes: [`This benchmark failed: ${reason}`] };
  } finally {
    say(`== ${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
}

const facts = await machine();
const reports: Report[] = [];
for (const [name, load] of Object.entries(benchmarks))
  if (names.includes(name)) reports.push(await measure(name, load));
const section = markdown(facts, reports);
console.log(section);
if (!flags.includes("--dry")) prepend(section);
const missed = reports.flatMap(({ goals }) => goals).filter((goal) => !isMet(goal));
process.exit(flags.includes("--check") && missed.length > 0 ? 1 : 0);
