/**
 * Runs benchmarks and writes what they found into RESULTS.md.
 *
 *   bun bench/run.ts [--quick] [--check] [--dry] [NAME…]
 *
 * --quick takes fewer rounds and smaller sizes, --check ends with 1 if a goal was missed, --dry writes no file.
 * @module
 */
import type { Benchmark, Report } from "./harness.ts";
import { firstLine } from "./harness.ts";
import { machine } from "./machine.ts";
import { markdown, prepend } from "./results.ts";
import { Scratch } from "./scratch.ts";

const benchmarks: Readonly<Record<string, () => Promise<{ default: Benchmark }>>> = {
  start: () => import("./start.bench.ts"),
  exec: () => import("./exec.bench.ts"),
  memory: () => import("./memory.bench.ts"),
  stdin: () => import("./stdin.bench.ts"),
  pull: () => import("./pull.bench.ts"),
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

const say = (text: string): void => console.error(text);

async function measure(name: string): Promise<Report> {
  const began = performance.now();
  say(`== ${name}`);
  try {
    await using scratch = new Scratch();
    const interrupted = (): void => {
      void scratch[Symbol.asyncDispose]().finally(() => process.exit(130));
    };
    process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
    try {
      const module = await benchmarks[name]?.();
      if (module === undefined) return { title: name, columns: [], rows: [], goals: [], notes: [] };
      return await module.default({ scratch, quick: flags.includes("--quick"), say });
    } finally {
      process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    }
  } catch (error) {
    const reason = firstLine(error);
    say(`${name} failed: ${reason}`);
    return { title: name, columns: [], rows: [], goals: [], notes: [`This benchmark failed: ${reason}`] };
  } finally {
    say(`== ${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
}

const facts = await machine();
const reports: Report[] = [];
for (const name of names) reports.push(await measure(name));
const section = markdown(facts, reports);
console.log(section);
if (!flags.includes("--dry")) prepend(section);
const missed = reports.flatMap(({ goals }) => goals).filter(({ value, limit }) => !(value <= limit));
process.exit(flags.includes("--check") && missed.length > 0 ? 1 : 0);
