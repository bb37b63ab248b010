/**
 * The engine is killed every two seconds under load, also while it starts: nothing is lost, nothing is left over. As long
 * as CAISSON_FAULT_SECONDS says (300 is the whole form).
 * @module
 */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { eventually, must, removeAll, run } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { networkOf, resolversOf } from "../support/host-network.ts";
import { descriptorsOf, filesOf, HostState } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { chooseSeed, random } from "../support/random.ts";
import { Load } from "./load.ts";
import { compare } from "./load-model.ts";

const seconds = Number(process.env["CAISSON_FAULT_SECONDS"] ?? 20);
/** Milliseconds between two kills, on average. */
const PAUSE = 2000;

let engine: TestEngine;
let host: HostState;
beforeAll(async () => {
  // Others' mounts are nothing to this one.
  engine = await TestEngine.startWithMounts(`--cgroup-parent=${HostState.parent}`);
  await importBusybox(engine);
  must(engine, ["network", "create", "theirs"]);
  // What is made with the first container and stays: the parent cgroup, the resolver's files.
  run(engine, ["--network=theirs"], ["true"]);
  await eventually(
    "no files of that container",
    () => !filesOf(engine).some((path) => /\/(trash\/.|containers\/[0-9a-f]{64})/.test(path)),
  );
  host = new HostState(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  host[Symbol.dispose]();
});

/** What the database has of each table. */
function rows(): Record<string, number> {
  using database = new Database(join(engine.dataRoot, "caisson.db"), { readonly: true });
  const tables = database
    .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .all();
  return Object.fromEntries(
    tables.map(({ name }) => [
      name,
      database.query<{ count: number }, []>(`SELECT count(*) AS count FROM ${name}`).get()?.count ?? 0,
    ]),
  );
}

/** Everything on disk but the resolver's own and the marks of layers; a spare shim waits where its executor is called so. */
const lastingFiles = (): string[] =>
  filesOf(engine)
    .filter((path) => !/\/dns\/|\/settled$/.test(path))
    .map((path) => path.replace(/native\.\d+\.sock$/, "native.PID.sock"));

/** What is in `list` more often than in `other`. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  return list.filter((each) => {
    const at = left.indexOf(each);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

/** Ports that somebody in the engine's network namespace holds. */
const portsHeld = (): string => engine.runInside("ss", ["-Hltun"]).stdout;

/** Kills the engine until the time is over; now and then before it has started. Resolves to how often. */
async function killAgainAndAgain(load: Load, next: () => number): Promise<{ kills: number; early: number }> {
  const end = Date.now() + seconds * 1000;
  const counts = { kills: 0, early: 0 };
  while (Date.now() < end) {
    const begun = Date.now();
    const back = Promise.withResolvers<void>();
    load.pause(back.promise);
    await engine.kill();
    counts.kills++;
    while (next() < 0.3) {
      const starting = engine.resume().catch(() => undefined);
      await Bun.sleep(next() * 600);
      await engine.kill();
      await starting;
      counts.early++;
    }
    await engine.resume();
    back.resolve();
    await Bun.sleep(Math.max(next() * 500, PAUSE * 2 * next() - (Date.now() - begun)));
  }
  return counts;
}

test(
  `for ${seconds} s`,
  async () => {
    const seed = chooseSeed();
    console.log(`CAISSON_SEED=${seed}`);
    const before = {
      network: networkOf(engine),
      files: lastingFiles(),
      ports: portsHeld(),
      descriptors: descriptorsOf(engine),
    };
    await engine.stop();
    const rowsBefore = rows();
    await engine.resume();
    const load = new Load(engine, join(engine.directory, "acknowledged"), seed);
    const work = load.run();
    const { kills, early } = await killAgainAndAgain(load, random(seed));
    load.end();
    await work;
    await engine.kill();
    await engine.resume();
    const { wrong, checked } = await compare(engine, load);
    console.log(
      `${seconds} s, ${kills} kills and ${early} during starts; made ${load.containers.length} containers; ` +
        `${JSON.stringify(load.counts)}; at the end ${JSON.stringify(checked)}`,
    );
    expect(wrong).toEqual([]);
    expect(load.counts.cut).toBeGreaterThan(0);
    expect(checked.lines).toBeGreaterThan(0);

    // Nothing is left over.
    await removeAll(engine);
    for (const name of (await engine.request("GET", "/networks"))
      .json<{ Name: string }[]>()
      .map(({ Name }) => Name))
      if (name.startsWith("net-")) must(engine, ["network", "rm", name]);
    for (const { Name } of (await engine.request("GET", "/volumes")).json<{ Volumes: { Name: string }[] }>()
      .Volumes)
      must(engine, ["volume", "rm", Name]);
    const same = async (what: string, now: () => unknown, then: unknown): Promise<void> => {
      await eventually(what, () => JSON.stringify(now()) === JSON.stringify(then) || undefined, 30).catch(
        () => expect(now()).toEqual(then),
      );
    };
    await same("the links and elements of before", () => networkOf(engine), before.network);
    await same("the ports of before", portsHeld, before.ports);
    await eventually("the resolver's end", () => resolversOf(engine).length === 0, 30);
    await host.expectUnchanged(new Set(load.containers.flatMap(({ id }) => id ?? [])));
    await same("the files of before", lastingFiles, before.files);
    // An engine that has just started has fewer.
    const more = (): string[] => without(descriptorsOf(engine), before.descriptors);
    await same("the descriptors of before", more, []);
    await engine.stop();
    await eventually("an end of executors and spare shims", () => host.survivors().length === 0).catch(() =>
      expect(host.survivors()).toEqual([]),
    );
    expect(rows()).toEqual(rowsBefore);
    await engine.resume();
  },
  (seconds * 1000 + 300_000) * patience,
);
