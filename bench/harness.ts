/**
 * What all benchmarks share: alternation of what is compared, and the report that they write. Clocks and machines are
 * noisy, so peers are measured in the same run, turn by turn, and what counts is the ratio of medians.
 * @module
 */
import type { Scratch } from "./scratch.ts";
import { duration, summarize, type Summary } from "./statistics.ts";

/** One thing that is measured, under one name or, if one go yields several figures, under several. */
export interface Contestant {
  readonly names: readonly string[];
  /** Measures once or a few times: for each name its samples, in microseconds. */
  readonly samples: () => Promise<readonly (readonly number[])[]>;
}

/** A contestant with one figure. */
export function contestant(name: string, samples: () => Promise<readonly number[]>): Contestant {
  return { names: [name], samples: async () => [await samples()] };
}

/** A line of a report's table. */
export interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/** A bar that the project set itself. */
export interface Goal {
  readonly text: string;
  /** NaN: it couldn't be measured. */
  readonly value: number;
  /** The value may be at most this. */
  readonly limit: number;
  /** How both are shown. */
  readonly show: (value: number) => string;
}

/** What a benchmark found out. */
export interface Report {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  /** What a reader must know: what was left out and why, how it was measured. */
  readonly notes: readonly string[];
}

/** What a benchmark is given. */
export interface Bench {
  readonly scratch: Scratch;
  /** Fewer rounds, smaller sizes. */
  readonly quick: boolean;
  /** Tells whoever watches. */
  readonly say: (text: string) => void;
}

/** A benchmark: a module that default-exports this. */
export type Benchmark = (bench: Bench) => Promise<Report>;

/** Summaries by contestant's name, and what became of those that failed. */
export interface Outcome {
  readonly summaries: ReadonlyMap<string, Summary>;
  readonly notes: readonly string[];
}

/**
 * Measures contestants in turn: in every round each is measured once, each second round in reverse. The first round warms
 * up and is thrown away. One that fails is left out with its reason; the others go on.
 */
export async function alternate(
  bench: Bench,
  contestants: readonly Contestant[],
  rounds: number,
): Promise<Outcome> {
  const samples = new Map<string, number[]>();
  for (const { names } of contestants) for (const name of names) samples.set(name, []);
  const failed = new Set<Contestant>();
  const notes: string[] = [];
  for (let round = 0; round <= rounds; round++) {
    bench.say(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
    const order = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const one of order) {
      if (failed.has(one)) continue;
      try {
        const taken = await one.samples();
        if (round > 0) one.names.forEach((name, i) => samples.get(name)?.push(...(taken[i] ?? [])));
      } catch (error) {
        failed.add(one);
        for (const name of one.names) samples.delete(name);
        notes.push(`${one.names.join(", ")} is missing: ${firstLine(error)}`);
        bench.say(notes.at(-1) ?? "");
      }
    }
  }
  const summaries = new Map([...samples].map(([name, taken]) => [name, summarize(taken)]));
  for (const [name, { median, p10, p90 }] of summaries)
    bench.say(`${name}: ${duration(median)} (${duration(p10)} to ${duration(p90)})`);
  return { summaries, notes };
}

/** The columns of {@link timingRows}. */
export const timingColumns: readonly string[] = ["median", "p10", "p90", "samples"];

/** A table's rows of times. */
export function timingRows(summaries: ReadonlyMap<string, Summary>): Row[] {
  return [...summaries].map(([name, { median, p10, p90, count }]) => ({
    name,
    cells: [duration(median), duration(p10), duration(p90), String(count)],
  }));
}

/** How a ratio of two medians is shown. */
export function ratio(value: number): string {
  return value < 0.1 ? value.toFixed(3) : value.toFixed(2);
}

/** A goal about the ratio of two medians. It isn't met if one of them is missing. */
export function ratioGoal(
  text: string,
  summaries: ReadonlyMap<string, Summary>,
  of: string,
  to: string,
  limit: number,
): Goal {
  const median = (name: string): number => summaries.get(name)?.median ?? Number.NaN;
  return { text, value: median(of) / median(to), limit, show: ratio };
}

/** Whether a goal is met; what couldn't be measured isn't. */
export function isMet({ value, limit }: Goal): boolean {
  return value <= limit;
}

/** The first line of an error's text. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n")[0] ?? "";
}
