/**
 * `caisson stats`
 * @module
 */
import type { Client } from "../../client/mod.ts";
import type { Command, Context } from "../command.ts";
import { textOfError } from "../failure-text.ts";
import { formatList, listFormatFlag } from "../list-format.ts";
import { statsHeaders, statsRow, type Seen } from "./stats-row.ts";

const table =
  "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";
/** Milliseconds between two pictures. */
const PICTURE = 500;
/** Milliseconds after which what is known of a container is too old to be shown. */
const STALE = 2000;
/** Escape sequences: to the upper left corner; clear the rest of a line; clear what is below. */
const [HOME, CLEAR_LINE, CLEAR_BELOW] = ["\u001b[H", "\u001b[K", "\u001b[J"];

/** `caisson stats` */
export const stats: Command = {
  use: "[OPTIONS] [CONTAINER...]",
  flags: [
    { name: "all", short: "a", type: "bool", usage: "Show all containers (default shows just running)" },
    listFormatFlag,
    { name: "no-stream", type: "bool", usage: "Disable streaming stats and only pull the first result" },
    { name: "no-trunc", type: "bool", usage: "Do not truncate output" },
  ],
  args: { min: 0 },
  run: async (context, flags, names) => {
    const format = flags.string("format") ?? "";
    const picture: Picture = {
      format: format === "" || format === "table" ? table : format,
      short: !flags.bool("no-trunc"),
      all: flags.bool("all"),
    };
    const client = await context.client();
    return flags.bool("no-stream")
      ? once(context, client, names, picture)
      : watch(context, client, names, picture);
  },
};

/** How the list looks, and what is in it when no containers are named. */
interface Picture {
  readonly format: string;
  readonly short: boolean;
  readonly all: boolean;
}

function draw(seen: readonly Seen[], { format, short }: Picture): string {
  return formatList(
    seen.map((one) => statsRow(one, short)),
    { format, headers: statsHeaders },
  );
}

async function listed(client: Client, all: boolean): Promise<string[]> {
  return (await client.containers.list({ all })).map(({ Id }) => Id ?? "");
}

async function once(
  context: Context,
  client: Client,
  names: readonly string[],
  picture: Picture,
): Promise<number> {
  const called = names.length > 0 ? names : await listed(client, picture.all);
  const followed = called.map((name) => new Followed(client, name, false));
  await Promise.all(followed.map(({ ended }) => ended));
  if (reportProblems(context, followed, names.length > 0)) return 1;
  context.stdout.text(draw(seenNow(followed, names), picture));
  return 0;
}

async function watch(
  context: Context,
  client: Client,
  names: readonly string[],
  picture: Picture,
): Promise<number> {
  let followed = names.map((name) => new Followed(client, name, true));
  if (names.length > 0) {
    await Promise.all(followed.map(({ first }) => first));
    if (reportProblems(context, followed, true)) {
      for (const one of followed) one.leave();
      return 1;
    }
  }
  const changes = names.length === 0 ? new Changes(client) : undefined;
  for (;;) {
    if (changes?.seen() === true) followed = await follow(client, followed, picture.all);
    const text = draw(seenNow(followed, names), picture);
    const lines = text.split("\n").join(`${CLEAR_LINE}\n`);
    context.stdout.text(`${HOME}${lines}${CLEAR_BELOW}`);
    await new Promise((resolve) => setTimeout(resolve, PICTURE));
  }
}

/** Whether containers came or went, from the engine's events. */
class Changes {
  #new = true;

  constructor(client: Client) {
    void this.#listen(client).catch(() => (this.#new = true));
  }

  /** Whether there were any since this was last asked; at first there are. */
  seen(): boolean {
    const answer = this.#new;
    this.#new = false;
    return answer;
  }

  async #listen(client: Client): Promise<void> {
    const filters = { type: ["container"], event: ["create", "start", "die", "destroy", "rename"] };
    for await (const _ of client.events({ filters })) this.#new = true;
  }
}

/** Follows containers that came, leaves those that went. */
async function follow(client: Client, before: readonly Followed[], all: boolean): Promise<Followed[]> {
  const ids = await listed(client, all);
  for (const one of before) if (!ids.includes(one.called)) one.leave();
  const fresh = ids.filter((id) => !before.some(({ called }) => called === id));
  const added = fresh.map((id) => new Followed(client, id, true));
  await Promise.all(added.map(({ first }) => first));
  return [...before.filter(({ called }) => ids.includes(called)), ...added];
}

/** Says what went wrong. Containers that were only listed may go while they are looked at. */
function reportProblems(context: Context, followed: readonly Followed[], named: boolean): boolean {
  const problems = followed.flatMap(({ problem }) => (problem === undefined || !named ? [] : [problem]));
  for (const problem of problems) context.stderr.line(problem);
  return problems.length > 0;
}

function seenNow(followed: readonly Followed[], names: readonly string[]): Seen[] {
  return followed.flatMap((one) => (one.problem !== undefined && names.length === 0 ? [] : [one.seen]));
}

/** A container whose statistics come in. */
class Followed {
  readonly called: string;
  /** Resolves with the first look, or when there will be none. */
  readonly first: Promise<void>;
  /** Resolves when no more come. */
  readonly ended: Promise<void>;
  problem: string | undefined;
  #last: Seen;
  #came = 0;
  readonly #leave = new AbortController();

  constructor(client: Client, called: string, stream: boolean) {
    this.called = called;
    this.#last = { called, name: "", id: "" };
    const first = Promise.withResolvers<void>();
    this.first = first.promise;
    this.ended = this.#read(client, stream, first.resolve).finally(first.resolve);
  }

  /** What there is to show. */
  get seen(): Seen {
    if (performance.now() - this.#came < STALE) return this.#last;
    const { called, name, id } = this.#last;
    return { called, name, id };
  }

  leave(): void {
    this.#leave.abort();
  }

  async #read(client: Client, stream: boolean, first: () => void): Promise<void> {
    const { called } = this;
    try {
      for await (const stats of client.containers.stats(called, { stream, signal: this.#leave.signal })) {
        this.#last = { called, stats, name: stats.name ?? this.#last.name, id: stats.id ?? this.#last.id };
        this.#came = performance.now();
        first();
      }
    } catch (error) {
      if (!this.#leave.signal.aborted) this.problem = textOfError(error);
    }
  }
}
