/**
 * Random requests, right and wrong ones, to caisson and to dockerd, one after the other: both must answer with the same
 * status, refuse in the same words, and have the same objects afterwards.
 *
 * CAISSON_RANDOM_SEED repeats a run, CAISSON_RANDOM_CALLS says how many requests. A difference that is on purpose has a
 * row in docs/known-differences.md: its answers are called `random/DOCKERDS OURS METHOD PATH, MUTATION` with both
 * statuses, dots for slashes, and without braces.
 * @module
 */
import { expect } from "bun:test";
import fc from "fast-check";
import { hostile, shown, wireOf, type Hostile } from "../../random/hostile.ts";
import { send, type WireAnswer } from "../../random/wire.ts";
import { TestEngine } from "../../support/engine.ts";
import { noPeer, Peer } from "../../support/peer.ts";
import { patience } from "../../support/patience.ts";
import { testUnless } from "../../support/requires.ts";
import { normalised } from "../api/answer.ts";
import { excuses, readKnownDifferences } from "../api/known-differences.ts";
import { Stage, type Inventory } from "./stage.ts";

const calls = Number(process.env["CAISSON_RANDOM_CALLS"] ?? 150);
/** The same each time, so that what dockerd says of it is known; other seeds are for those who look for more. */
const seed = Number(process.env["CAISSON_RANDOM_SEED"] ?? 28);

/** An engine with its objects. */
interface Contestant {
  readonly stage: Stage;
  readonly daemon: { readonly socket: string; readonly directory: string };
}

/** Milliseconds after which an answer that may last has none: the oldest versions say nothing before the end. */
const silence = 15_000 * patience;

const ask = async ({ stage, daemon }: Contestant, it: Hostile): Promise<WireAnswer> =>
  send(daemon.socket, {
    ...wireOf(it, stage.names),
    ...(it.endpoint.endless === true ? { silentAfter: silence } : {}),
  });

/** What is compared of an answer: its status, and the text of a refusal. */
function told({ stage, daemon }: Contestant, answer: WireAnswer): { status: number; message: unknown } {
  if (answer.status < 400) return { status: answer.status, message: undefined };
  const { status, body } = normalised(answer, stage.ids, daemon.directory);
  const message = (body as { readonly message?: unknown } | null)?.message ?? body;
  return { status, message: typeof message === "string" ? message.trim() : message };
}

const known = readKnownDifferences();

/** The known differences' name of an answer. */
function nameOf(it: Hostile, theirs: number, ours: number): string {
  const place = it.endpoint.path.replaceAll("/", ".").replaceAll(/[{}]/g, "").slice(1);
  return `random/${theirs} ${ours} ${it.endpoint.method} ${place}, ${it.mutation}`;
}

const isKnown = (name: string, field: string): boolean => known.some((each) => excuses(each, name, field));

async function settledInventories(sides: readonly [Contestant, Contestant]): Promise<readonly Inventory[]> {
  for (let attempt = 0; ; attempt++) {
    const found = await Promise.all(sides.map(async ({ stage }) => stage.inventory()));
    // What ends by itself has ended soon.
    if (attempt === 20 || Bun.deepEquals(found[0], found[1])) return found;
    await Bun.sleep(100);
  }
}

testUnless(noPeer)(
  `${calls} random requests beside dockerd's answers (seed ${seed})`,
  async () => {
    await using engine = await TestEngine.start();
    await using peer = await Peer.start();
    const ours: Contestant = { stage: new Stage(engine.socket), daemon: engine };
    const theirs: Contestant = { stage: new Stage(peer.socket), daemon: peer };
    const sides = [ours, theirs] as const;
    await Promise.all(sides.map(async ({ stage }) => stage.build()));
    const found: string[] = [];
    for (const it of fc.sample(hostile(false), { seed, numRuns: calls })) {
      const answers = await Promise.all(sides.map(async (side) => ask(side, it)));
      const [mine, golden] = answers.map((answer, at) => told(sides[at] ?? ours, answer));
      if (mine === undefined || golden === undefined) throw new Error("two sides have two answers");
      const name = nameOf(it, golden.status, mine.status);
      const field = golden.status === mine.status ? "body.message" : "status";
      const differs = it.cut === undefined && !Bun.deepEquals(mine, golden);
      if (mine.status === 500 || (differs && !isKnown(name, field))) {
        const say = ({ status, message }: typeof mine): string =>
          `${status} ${JSON.stringify(message) ?? ""}`;
        found.push(
          `${name}\n  ${shown(it, ours.stage.names)}\n  dockerd ${say(golden)}\n  caisson ${say(mine)}`,
        );
      }
      const changed =
        it.method !== "GET" && it.method !== "HEAD" && answers.some(({ status }) => status < 400);
      if (!changed && !differs) continue;
      const [after, expected] = await settledInventories(sides);
      if (golden.status === mine.status && !Bun.deepEquals(after, expected) && !isKnown(name, "after")) {
        const say = JSON.stringify;
        found.push(
          `${name}: after\n  ${shown(it, ours.stage.names)}\n  dockerd ${say(expected)}\n  caisson ${say(after)}`,
        );
      }
      await Promise.all(sides.map(async ({ stage }) => stage.restore(it)));
    }
    expect(found.join("\n")).toBe("");
  },
  600_000,
);
