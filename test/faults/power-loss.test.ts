/**
 * The power fails while an engine works: an engine that is started on what the disk has then runs, knows what was
 * answered a moment before, can use all that it names, and leaves nothing that it doesn't.
 * @module
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chainIds } from "../../src/image/mod.ts";
import { dockerArchive } from "../support/archive.ts";
import { eventually, must } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { HostState } from "../support/host-state.ts";
import { importBusybox } from "../support/image.ts";
import { patience } from "../support/patience.ts";
import { chooseSeed, random } from "../support/random.ts";
import { Load } from "./load.ts";
import {
  copyDatabase,
  copyDisk,
  copyFiles,
  forget,
  giveDisk,
  mountDisk,
  mustRun,
  noDisk,
  rootOf,
  startMachineAgain,
  whileFrozen,
} from "./power-loss.ts";

/** One loss for each 30 s of the whole form. */
const losses = Math.max(1, Math.floor(Number(process.env["CAISSON_FAULT_SECONDS"] ?? 0) / 30));
/** What was answered so many milliseconds before is on the disk: it is synced a second after it is committed. */
const SYNCED = 5000;

const seed = chooseSeed();
const next = random(seed);
let engine: TestEngine;
let load: Load;
let work: Promise<void>;
beforeAll(async () => {
  engine = await TestEngine.startPrepared((fresh) => {
    if (noDisk === undefined) giveDisk(fresh);
  });
  await importBusybox(engine);
  must(engine, ["network", "create", "theirs"]);
  load = new Load(engine, join(engine.directory, "acknowledged"), seed);
  work = load.run();
});
afterAll(async () => {
  load.end();
  load.pause(Promise.resolve());
  await work;
  await engine[Symbol.asyncDispose]();
  HostState.removeParent();
});

/** Loads an image `late:TAG` with a layer of its own, which says the tag. */
async function loadLate(tag: string): Promise<void> {
  const late = { type: "file", path: "late", size: tag.length, body: Buffer.from(tag) } as const;
  const archive = await dockerArchive(`late:${tag}`, [[late]]);
  const answer = await engine.request("POST", "/images/load", archive);
  expect([answer.status, answer.body.toString()]).toEqual([200, expect.stringContaining("Loaded image")]);
}

/** Ids of containers that are there now, whatever the disk lacks of the last `age` milliseconds. */
function sureNow(): (age: number) => readonly string[] {
  const time = Date.now();
  const known = load.containers.map(({ id, create, remove, autoRemove, start }) => ({
    id,
    made: create.answered,
    stays: !remove.asked && !(autoRemove && start.asked),
  }));
  return (age) =>
    known.flatMap(({ id, made, stays }) => (id !== undefined && stays && made < time - age ? [id] : []));
}

/** An engine of its own on a copy, where what containers write down elsewhere is out of reach. */
async function startOn(prepare: (fresh: TestEngine) => void): Promise<TestEngine> {
  return await TestEngine.startPrepared((fresh) => {
    const hidden = fresh.runInside("mount", ["-t", "tmpfs", "tmpfs", join(engine.directory, "acknowledged")]);
    expect(hidden).toMatchObject({ code: 0, stderr: "" });
    prepare(fresh);
    // The containers have the ids of those that the other engine runs, and may not share their cgroups.
  }, `--cgroup-parent=${HostState.parent}`);
}

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
}

/** Everything that the engine names can be used. Returns how many containers there are. */
async function expectUsable(
  on: TestEngine,
  sure: readonly string[],
  images: Readonly<Record<string, string>>,
): Promise<number> {
  for (const [image, late] of Object.entries(images))
    expect(must(on, ["run", "--rm", "--network=none", image, "sh", "-c", "cat /late; echo $((6*7))"])).toBe(
      `${late}42`,
    );
  const list = (await on.request("GET", "/containers/json?all=1")).json<Listed[]>();
  const there = new Set(list.map(({ Id }) => Id));
  expect(sure.filter((id) => !there.has(id))).toEqual([]);
  const wrong: string[] = [];
  const look = async ({ Id, Names }: Listed): Promise<void> => {
    for (const path of [`/containers/${Id}/json`, `/containers/${Id}/logs?stdout=1&stderr=1`]) {
      const { status, body } = await on.request("GET", path);
      if (status !== 200) wrong.push(`${Names[0]} ${path}: ${status} ${body.toString()}`);
    }
    const { status, body } = await on.request("POST", `/containers/${Id}/start`);
    if (status !== 204 && status !== 304) wrong.push(`start ${Names[0]}: ${status} ${body.toString()}`);
  };
  await Promise.all(list.map(look));
  expect(wrong).toEqual([]);
  return list.length;
}

const names = (...path: string[]): string[] => {
  const folder = join(...path);
  return existsSync(folder) ? readdirSync(folder) : [];
};

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

interface Config {
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/** Nothing is on the disk that the engine doesn't name. */
async function expectNothingElse(on: TestEngine): Promise<void> {
  const root = rootOf(on);
  const list = (await on.request("GET", "/containers/json?all=1")).json<Listed[]>();
  const ids = new Set(list.map(({ Id }) => Id));
  const { Volumes } = (await on.request("GET", "/volumes")).json<{ Volumes: { Name: string }[] }>();
  const volumes = new Set(Volumes.map(({ Name }) => Name));
  const blobs = join(root, "images", "blobs", "sha256");
  const blob = (digest: string): string => digest.replace("sha256:", "");
  const { manifests } = JSON.parse(readFileSync(join(root, "images", "index.json"), "utf8")) as {
    manifests: { digest: string }[];
  };
  const known = new Set<string>();
  const layers = new Set<string>();
  for (const { digest } of manifests) {
    const manifest = JSON.parse(readFileSync(join(blobs, blob(digest)), "utf8")) as Manifest;
    for (const each of [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)])
      known.add(blob(each));
    const config = readFileSync(join(blobs, blob(manifest.config.digest)), "utf8");
    for (const id of chainIds((JSON.parse(config) as Config).rootfs.diff_ids)) layers.add(blob(id));
  }
  const left = (): Record<string, readonly string[]> => ({
    containers: names(root, "containers").filter((id) => !ids.has(id)),
    roots: names(root, "overlay2", "containers").filter((id) => !ids.has(id)),
    volumes: names(root, "volumes").filter((name) => !volumes.has(name)),
    blobs: names(blobs).filter((name) => !known.has(name)),
    ingest: names(root, "images", "ingest"),
    trash: [...names(root, "trash"), ...names(root, "overlay2", "trash")],
    layers: names(root, "overlay2", "layers").filter((name) => !layers.has(name)),
  });
  const nothing = { containers: [], roots: [], volumes: [], blobs: [], ingest: [], trash: [], layers: [] };
  await eventually(
    "nothing else",
    () => JSON.stringify(left()) === JSON.stringify(nothing) || undefined,
    60,
  ).catch(() => expect(left()).toEqual(nothing));
}

/** Starts an engine on a copy and looks at everything. */
async function look(
  what: string,
  prepare: (fresh: TestEngine) => void,
  sure: readonly string[],
  images: Readonly<Record<string, string>>,
): Promise<void> {
  await using on = await startOn(prepare);
  const count = await expectUsable(on, sure, images);
  await expectNothingElse(on);
  console.log(`${what}: ${count} containers, ${sure.length} of them for certain`);
}

test(
  `${losses} losses of power`,
  async () => {
    console.log(
      `CAISSON_SEED=${seed}${noDisk === undefined ? "" : `, without a disk of its own: ${noDisk} fails`}`,
    );
    for (let loss = 0; loss < losses; loss++) {
      const back = Promise.withResolvers<void>();
      await Bun.sleep(SYNCED + next() * 2000);
      const image = `late:${loss}`;
      await loadLate(String(loss));
      const sure = sureNow();
      const copy = join(engine.directory, `copy-${loss}`);
      const disk = join(engine.directory, `disk-${loss}`);
      copyFiles(engine, copy);
      whileFrozen(engine, () => {
        copyDatabase(engine, copy);
        if (noDisk === undefined) copyDisk(engine, disk);
      });
      // What follows is the copies' time.
      load.pause(back.promise);
      try {
        const images = { busybox: "", [image]: String(loss) };
        const fill = (from: string, change: (dataRoot: string) => void) => (fresh: TestEngine) => {
          mustRun("cp", "-a", from, fresh.dataRoot);
          change(fresh.dataRoot);
        };
        await look(
          "as it was written",
          fill(copy, () => undefined),
          sure(0),
          images,
        );
        await look("after a start of the machine", fill(copy, startMachineAgain), sure(0), images);
        const damage = (dataRoot: string): void => {
          console.log(`taken: ${JSON.stringify(forget(dataRoot, next))}`);
          startMachineAgain(dataRoot);
        };
        await look("without what was never synced", fill(copy, damage), [], images);
        if (noDisk === undefined) {
          const ofDisk = (fresh: TestEngine): void => {
            renameSync(disk, join(fresh.directory, "disk"));
            mountDisk(fresh);
            startMachineAgain(rootOf(fresh));
          };
          await look("from the disk's blocks", ofDisk, sure(SYNCED), images);
        }
        rmSync(copy, { recursive: true });
      } finally {
        back.resolve();
      }
    }
  },
  (120_000 + losses * 120_000) * patience,
);
