/**
 * A scenario is a list of steps that are done on both engines in the same order; every answer is compared field by field.
 * dockerd's answers are recorded beside this file (`CAISSON_RECORD=1 make conformance`), so that a machine without dockerd
 * compares too.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { differences, type Difference } from "../../support/golden.ts";
import { normalised, type Answer } from "./answer.ts";
import { excuses, isOf, readKnownDifferences } from "./known-differences.ts";
import { startSides, type Sent, type Side } from "./side.ts";

/** A request of a scenario. `{NAME}` in path and body is the id that an earlier step got. */
export interface Step extends Sent {
  /** What it shows; unique in its group. */
  readonly name: string;
  /** The id in the answer is called this from now on. */
  readonly as?: string;
  /** Repeated until the body has this text: what is waited for. */
  readonly until?: string;
  /** Lists that have no order are sorted by this field of their items, or by the whole items if it's empty. */
  readonly sort?: string;
  /** It prepares something, and is not compared. */
  readonly silent?: true;
  /** Of a whole object only this field is compared: the rest is asked elsewhere. */
  readonly only?: string;
  /** Lines that tell how far something is are left out. */
  readonly progress?: true;
  /** Numbers are another each time: only where there are some, and the fields, are compared. */
  readonly shape?: true;
}

/** A scenario's name and its steps. */
export type Scenarios = Readonly<Record<string, readonly Step[]>>;

/** A shorter way to write a step. */
export function step(name: string, request: string, more: Omit<Step, "name" | "method" | "path"> = {}): Step {
  const space = request.indexOf(" ");
  return { name, method: request.slice(0, space), path: request.slice(space + 1), ...more };
}

type Answers = Readonly<Record<string, Answer>>;

/** Makes a test of each scenario of a group, and one of the known differences. */
export function compareGroup(
  group: string,
  scenarios: Scenarios,
  options: { readonly registry?: boolean } = {},
): void {
  const recording = join(import.meta.dir, `recorded/${group}.json`);
  const record = process.env["CAISSON_RECORD"] === "1";
  const recorded: Record<string, Answer> = existsSync(recording)
    ? (JSON.parse(readFileSync(recording, "utf8")) as Record<string, Answer>)
    : {};
  const live: Record<string, Answer> = {};
  const known = readKnownDifferences();
  const used = new Set<number>();
  const done = new Set<string>();
  let ours: Side | undefined;
  let peer: Side | undefined;
  beforeAll(async () => ({ ours, peer } = await startSides(options)), 60_000);
  afterAll(async () => {
    await Promise.all([ours?.[Symbol.asyncDispose](), peer?.[Symbol.asyncDispose]()]);
  }, 60_000);

  const unexcused = (name: string, theirs: Answer, mine: Answer): string[] =>
    differencesOf(theirs, mine).flatMap(({ path, golden, ours: value }) => {
      const field = path.replaceAll(/\[(\d+)\]/g, ".$1").slice(1);
      const row = known.findIndex((each) => excuses(each, `${group}/${name}`, field));
      if (row >= 0) used.add(row);
      const said = (what: unknown): string => (JSON.stringify(what) ?? "absent").slice(0, 300);
      return row >= 0 ? [] : [`${name}: ${field}: dockerd ${said(golden)}, caisson ${said(value)}`];
    });

  for (const [title, steps] of Object.entries(scenarios)) {
    test(
      title,
      async () => {
        if (ours === undefined) throw new Error("the engine didn't start");
        const [mine, theirs] = await Promise.all([perform(ours, steps), peer && perform(peer, steps)]);
        if (theirs !== undefined) Object.assign(live, theirs);
        const expected = theirs ?? recorded;
        const found = Object.entries(mine).flatMap(([name, answer]) => {
          done.add(`${group}/${name}`);
          const golden = expected[name];
          return golden === undefined ? [`${name}: nothing is recorded`] : unexcused(name, golden, answer);
        });
        expect(found).toEqual([]);
        // What is recorded is what dockerd says.
        if (theirs === undefined || record) return;
        const stale = Object.entries(theirs).flatMap(([name, answer]) => {
          const before = recorded[name];
          return before === undefined ? [name] : unexcused(name, answer, before);
        });
        expect(stale).toEqual([]);
      },
      180_000,
    );
  }

  test("each known difference is still one", () => {
    const over = known.filter((each, row) => !used.has(row) && [...done].some((name) => isOf(each, name)));
    expect(over).toEqual([]);
    if (record && peer !== undefined) writeFileSync(recording, `${JSON.stringify(live, null, 1)}\n`);
  });
}

/** Answers of another status have nothing in common: that one difference is told. */
function differencesOf(theirs: Answer, mine: Answer): Difference[] {
  if (theirs.status === mine.status) return differences(theirs, mine);
  const told = ({ status, body }: Answer): string => `${status} ${JSON.stringify(body)}`;
  return [{ path: ".status", golden: told(theirs), ours: told(mine) }];
}

async function perform(side: Side, steps: readonly Step[]): Promise<Answers> {
  const answers: Record<string, Answer> = {};
  const ids = new Map<string, string>();
  const names = new Map<string, string>();
  const filled = (text: string): string =>
    text.replaceAll(/\{([a-z]\w*)\}/g, (_, name: string) => ids.get(name) ?? "?");
  for (const each of steps) {
    const { name, as, until, sort, silent, shape, progress, only, ...sent } = each;
    if (name in answers) throw new Error(`two steps are called ${name}`);
    const request: Sent = {
      ...sent,
      path: filled(sent.path).replaceAll(/\{(?=")[^ ]*\}/g, (json) => encodeURIComponent(json)),
      ...(sent.body === undefined || sent.body instanceof Uint8Array
        ? {}
        : typeof sent.body === "string"
          ? { body: filled(sent.body) }
          : { body: JSON.parse(filled(JSON.stringify(sent.body))) as object }),
    };
    let raw = await side.ask(request);
    for (let n = 0; until !== undefined && !raw.body.includes(until) && n < 100; n++) {
      await Bun.sleep(100);
      raw = await side.ask(request);
    }
    if (as !== undefined) {
      const { Id, ID } = JSON.parse(raw.body.toString("utf8")) as { Id?: string; ID?: string };
      const id = Id ?? ID;
      ids.set(as, id ?? "refused");
      if (id !== undefined) names.set(id, as);
    }
    if (silent === true) {
      if (raw.status >= 400)
        throw new Error(`${side.name}: ${name}: ${raw.status} ${raw.body.toString("utf8")}`);
      continue;
    }
    const { body: whole, ...answer } = normalised(raw, names, side.directory);
    const body = only !== undefined && raw.status === 200 ? fieldOf(whole, only) : whole;
    const ends = progress === true ? withoutProgress(body) : body;
    const sorted = sort === undefined ? ends : sortedBy(ends, sort);
    const asked = `${sent.method} ${sent.path}`;
    answers[name] = { asked, ...answer, body: shape === true ? shapeOf(sorted) : sorted };
  }
  return answers;
}

/** The lines of a pull or push that don't depend on how fast it goes. */
function withoutProgress(body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  const passing = /^(Downloading|Extracting|Pushing|Waiting|Verifying Checksum|Download complete|Preparing)$/;
  return body.filter((line) => !passing.test(String((line as { status?: unknown }).status)));
}

/** An object with one of its fields alone. */
function fieldOf(value: unknown, field: string): unknown {
  return { [field]: (value as Readonly<Record<string, unknown>> | null)?.[field] };
}

/** A value's fields, with numbers as one word, lists as another one. */
function shapeOf(value: unknown): unknown {
  if (typeof value === "number") return "NUMBER";
  // Counters of devices are there once something was read, which a warm cache spares.
  if (Array.isArray(value)) return typeof value[0] === "string" ? value : "LIST";
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item)]));
}

/** Lists of objects in `value` that have the field, sorted by it. */
function sortedBy(value: unknown, field: string): unknown {
  if (Array.isArray(value)) {
    const key = (item: unknown): string =>
      (field === ""
        ? JSON.stringify(item)
        : JSON.stringify((item as Record<string, unknown> | null)?.[field])) ?? "";
    return value.map((item) => sortedBy(item, field)).toSorted((a, b) => key(a).localeCompare(key(b)));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, sortedBy(item, field)]));
}
