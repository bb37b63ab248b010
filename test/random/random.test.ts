/**
 * Thousands of requests, right and wrong ones, from many clients at once: none makes the engine fail, each is answered as
 * a model says, and afterwards nothing is left.
 *
 * CAISSON_RANDOM_SEED repeats a run's requests (not their order among clients), CAISSON_RANDOM_CLIENTS and
 * CAISSON_RANDOM_CALLS say how many, CAISSON_RANDOM_RUNS repeats it with others on the same engine, and
 * CAISSON_RANDOM_SHRINK=0 spares the search for the smallest failure.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ApiClient } from "../support/api.ts";
import { eventually } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { networkOf, resolversOf, storedEndpoints } from "../support/host-network.ts";
import { descriptorsOf, filesOf, HostState, residentMemoryOf } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";
import { Client } from "./client.ts";
import * as containerMoves from "./container-moves.ts";
import type { Move, Player } from "./container-moves.ts";
import { attack } from "./hostile-moves.ts";
import { hostile, type Hostile } from "./hostile.ts";
import { Model } from "./model.ts";
import * as otherMoves from "./other-moves.ts";
import { SharedNames, sharedMoves } from "./shared-names.ts";

const clients = Number(process.env["CAISSON_RANDOM_CLIENTS"] ?? 32);
const calls = Number(process.env["CAISSON_RANDOM_CALLS"] ?? 2000);
const repeats = Number(process.env["CAISSON_RANDOM_RUNS"] ?? 1);
const seed = Number(process.env["CAISSON_RANDOM_SEED"] ?? Math.floor(Math.random() * 0x7fffffff));

let engine: TestEngine;
let host: HostState | undefined;
beforeAll(async () => {
  process.env["BUN_JSC_forceRAMSize"] = String(64 << 20);
  engine = await TestEngine.start(`--cgroup-parent=${HostState.parent}`);
  delete process.env["BUN_JSC_forceRAMSize"];
  await importBusybox(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  host?.[Symbol.dispose]();
});

const own: readonly (readonly [weight: number, move: Move])[] = [
  [10, containerMoves.create],
  [9, containerMoves.start],
  [3, containerMoves.restart],
  [4, containerMoves.stop],
  [4, containerMoves.kill],
  [3, containerMoves.pause],
  [3, containerMoves.unpause],
  [3, containerMoves.rename],
  [4, containerMoves.remove],
  [3, containerMoves.inspect],
  [3, containerMoves.logs],
  [2, containerMoves.top],
  [4, containerMoves.exec],
  [3, containerMoves.put],
  [3, containerMoves.get],
  [2, containerMoves.commit],
  [3, containerMoves.race],
  [4, otherMoves.makeVolume],
  [2, otherMoves.inspectVolume],
  [3, otherMoves.removeVolume],
  [4, otherMoves.makeNetwork],
  [2, otherMoves.inspectNetwork],
  [2, otherMoves.removeNetwork],
  [2, otherMoves.reconnect],
  [3, otherMoves.tag],
  [2, otherMoves.inspectImage],
  [1, otherMoves.history],
  [2, otherMoves.untag],
  [4, otherMoves.list],
  [1, otherMoves.prune],
  [3, otherMoves.look],
];

/** One thing that a client does: with its own objects, with names that are shared, or to do harm. */
type Deed =
  | { readonly kind: "own" | "shared"; readonly move: number; readonly a: number; readonly b: number }
  | { readonly kind: "hostile"; readonly hostile: Hostile };

const numbers = { a: fc.nat(999), b: fc.nat(999) };
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .oneof(...own.map(([weight], move) => ({ weight, arbitrary: fc.constant(move) })))
      .chain((move) => fc.record({ kind: fc.constant("own"), move: fc.constant(move), ...numbers })),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("shared"), move: fc.nat(7), ...numbers }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("hostile"), hostile: hostile(true) }) },
);

/** What can be left out to find the smallest failure: whole clients, parts of what they do, single deeds. */
const may = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 1_000_000 });
const times = <T>(count: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.tuple(...Array.from({ length: count }, () => arbitrary));
const part = 8;
/** A deed is more than two requests on average; that there were enough is checked in the end. */
const program = times(Math.ceil(calls / 2 / clients / part), may(times(part, may(deed))));

let runs = 0;
let sent = 0;

/** Each client does what it does, one after the other; all of them at once. */
async function play(programs: readonly ((Deed | undefined)[] | undefined)[][]): Promise<void> {
  const run = ++runs;
  const logged = engine.log().length;
  const shared = new SharedNames(`zr${run}-shared`);
  const moves = sharedMoves(shared);
  const players = programs.map((_, n): Player => {
    const name = `zr${run}-c${n}`;
    return { client: new Client(name, engine.socket), model: new Model(name) };
  });
  try {
    const results = await Promise.allSettled(
      programs.map(async (parts, n) => {
        const player = players[n];
        for (const each of player === undefined ? [] : parts.flat())
          if (each !== undefined && player !== undefined) await act(player, each, moves);
      }),
    );
    const failed = results.find((each) => each.status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    expect(shared.contradictions()).toEqual([]);
    await compareWithModels(players, shared);
    const unexpected = engine
      .log()
      .slice(logged)
      .match(/^.*unexpected error.*$/gm);
    expect(unexpected ?? []).toEqual([]);
  } finally {
    for (const { client } of players) {
      sent += client.calls;
      client[Symbol.dispose]();
    }
    await removeEverything();
  }
}

async function act(player: Player, each: Deed, shared: readonly Move[]): Promise<void> {
  if (each.kind === "hostile") return attack(player, each.hostile);
  const move = each.kind === "own" ? own[each.move]?.[1] : shared[each.move];
  await move?.(player, each.a, each.b);
}

/** When nobody asks any more, what there is is what everybody's answers said. */
async function compareWithModels(players: readonly Player[], shared: SharedNames): Promise<void> {
  for (const player of players) await otherMoves.list(player, 0, 0);
  const get = async <T>(path: string): Promise<T> => (await engine.request("GET", path)).json<T>();
  const containers = await get<{ Id: string; Names: string[]; Created: number }[]>("/containers/json?all=1");
  const known = [...players.flatMap(({ model }) => [...model.containers.keys()]), ...shared.left];
  expect(containers.filter(({ Id }) => !known.includes(Id))).toEqual([]);
  expect(containers.map(({ Id }) => Id).toSorted()).toEqual(known.toSorted());
  const usage = await get<{ Containers: { Id: string }[] }>("/system/df?type=container");
  expect(usage.Containers.map(({ Id }) => Id).toSorted()).toEqual(known.toSorted());
}

async function removeEverything(): Promise<void> {
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await engine.request("GET", path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body.toString("utf8")}`);
    return JSON.parse(body.toString("utf8")) as T;
  };
  const drop = async (path: string): Promise<void> => {
    const { status, body } = await engine.request("DELETE", path);
    if (status >= 400 && status !== 404)
      throw new Error(`DELETE ${path}: ${status} ${body.toString("utf8")}`);
  };
  for (const { Id } of await get<{ Id: string }[]>("/containers/json?all=1"))
    await drop(`/containers/${Id}?force=1&v=1`);
  for (const { Id, Name } of await get<{ Id: string; Name: string }[]>("/networks"))
    if (!["bridge", "host", "none"].includes(Name)) await drop(`/networks/${Id}`);
  for (const { Name } of (await get<{ Volumes: { Name: string }[] | null }>("/volumes")).Volumes ?? [])
    await drop(`/volumes/${encodeURIComponent(Name)}`);
  for (const { Id, RepoTags } of await get<{ Id: string; RepoTags: string[] | null }[]>("/images/json")) {
    const kept = RepoTags?.includes("busybox:latest") === true;
    for (const tag of RepoTags ?? []) if (kept && tag !== "busybox:latest") await drop(`/images/${tag}`);
    if (!kept) await drop(`/images/${Id}?force=1`);
  }
}

/** Where the shim listens that waits for the next start. */
const waiting = /\.\d+\.sock$/;

/** Its files without the resolver's, which is looked after apart. */
function ownFiles(): string[] {
  return filesOf(engine)
    .filter((path) => !path.startsWith(join(engine.execRoot, "dns")))
    .map((path) => path.replace(waiting, ".sock"));
}

/** Starts a container, after which a shim waits, as it may or may not have done before. */
async function leaveOneWaiting(): Promise<void> {
  const body = { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
  using api = new ApiClient(engine);
  expect(await api.run(body)).toMatchObject({ code: 0 });
  await eventually(
    "a shim that waits",
    () => filesOf(engine).some((path) => waiting.test(path)) || undefined,
  );
}

/** Waits for what happens in the background. */
async function quiescence(): Promise<void> {
  let files: string[] = [];
  for (let same = 0; same < 5;) {
    await Bun.sleep(200);
    const now = ownFiles();
    same = isDeepStrictEqual(now, files) ? same + 1 : 0;
    files = now;
  }
}

/** Waits until `now` is what it was before. */
async function returnsTo<T>(what: string, before: T, now: () => T): Promise<void> {
  await eventually(what, () => isDeepStrictEqual(now(), before) || undefined, 60).catch(() =>
    expect(now()).toEqual(before),
  );
}

/** By how much the engine's memory may have grown, in KiB: a leak of a few KiB for each call would be more. */
const BREATH = 48 << 10;

test(
  `${calls} random calls, right and wrong ones, from ${clients} clients at once (seed ${seed})`,
  async () => {
    const endOnFailure = process.env["CAISSON_RANDOM_SHRINK"] === "0";
    const settings = { numRuns: repeats, seed, interruptAfterTimeLimit: 240_000 * repeats, endOnFailure };
    // What a first run brings into memory and to the disk isn't a leak.
    await fc.assert(fc.asyncProperty(times(4, program), play), { ...settings, numRuns: 1, seed: seed + 1 });
    await leaveOneWaiting();
    await quiescence();
    host = new HostState(engine);
    const [files, descriptors, network] = [ownFiles(), descriptorsOf(engine), networkOf(engine)];
    const memory = residentMemoryOf(engine);
    const start = performance.now();
    sent = 0;
    await fc.assert(fc.asyncProperty(times(clients, program), play), settings);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const grown = residentMemoryOf(engine) - memory;
    console.log(
      `${clients} clients, seed ${seed}: ${sent} requests in ${seconds} s, memory ${grown} KiB more`,
    );
    expect(sent).toBeGreaterThanOrEqual(calls * repeats);
    await leaveOneWaiting();
    await returnsTo("the files of before", files, ownFiles);
    await returnsTo("the descriptors of before", descriptors, () => descriptorsOf(engine));
    await returnsTo("the network of before", network, () => networkOf(engine));
    await eventually("the resolver's end", () => resolversOf(engine).length === 0 || undefined, 60);
    await host.expectUnchanged(new Set(), 60);
    expect(residentMemoryOf(engine) - memory).toBeLessThan(BREATH);
    await engine.stop();
    expect(storedEndpoints(engine)).toBe(0);
    await eventually("an end of all its processes", () => host?.survivors().length === 0 || undefined, 30);
    await engine.resume();
  },
  600_000 * repeats,
);
