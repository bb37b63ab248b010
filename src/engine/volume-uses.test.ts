import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failure, messageOf } from "../errors/mod.ts";
import { StateDatabase } from "./database.ts";
import type { VolumePlugins } from "./volume-plugins.ts";
import { VolumeUses } from "./volume-uses.ts";

let folder = "";
let database: StateDatabase;
let asked: string[] = [];
let unmounting = Promise.withResolvers<void>();
const problems: string[] = [];
const plugins = {
  mount: async (_driver: string, volume: string, id: string) => {
    asked.push(`mount ${volume} ${id}`);
    if (volume === "broken") throw failure("unavailable", { message: "no such server" });
    return `/at/${volume}`;
  },
  unmount: async (_driver: string, volume: string, id: string) => {
    asked.push(`unmount ${volume} ${id}`);
    await unmounting.promise;
  },
} as unknown as VolumePlugins;
const uses = (): VolumeUses => new VolumeUses(database, plugins, { error: (text) => problems.push(text) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "uses-"));
  database = new StateDatabase(join(folder, "db"));
  asked = [];
  unmounting = Promise.withResolvers();
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

test("a use is written down before the plugin is asked, and until it has answered to its end", async () => {
  const some = uses();
  expect(await some.begin("c1", "d", "v")).toBe("/at/v");
  await some.begin("c1", "d", "v");
  expect(database.volumeUses()).toEqual([{ container: "c1", driver: "d", volume: "v" }]);
  const ended = some.end("c1");
  expect(database.volumeUses()).toHaveLength(1);
  let gone = false;
  void some.ended("v").then(() => (gone = true));
  // The next start is behind the end of the last run.
  const again = some.begin("c1", "d", "v");
  await Promise.resolve();
  expect([gone, asked.at(-1)]).toEqual([false, "unmount v c1"]);
  unmounting.resolve();
  await ended;
  await again;
  expect(gone).toBe(true);
  expect(asked).toEqual(["mount v c1", "mount v c1", "unmount v c1", "mount v c1"]);
  expect(database.volumeUses()).toHaveLength(1);
});

test("what an engine that was killed left is ended unless its container runs; a plugin's refusal is told", async () => {
  const before = uses();
  await before.begin("runs", "d", "v");
  await before.begin("ended", "d", "v");
  unmounting.reject(new Error("no"));
  const after = uses();
  after.recover((container) => container === "runs");
  await after.ended("v");
  expect(database.volumeUses()).toEqual([{ container: "runs", driver: "d", volume: "v" }]);
  expect(problems).toEqual(["unmount volume v of d: no"]);
});

test("a mount that fails is told of in Docker's words, and undone with the container", async () => {
  const some = uses();
  const problem = await some.begin("c1", "d", "broken").catch(messageOf);
  expect(problem).toBe("error while mounting volume 'broken': no such server");
  expect(database.volumeUses()).toHaveLength(1);
  unmounting.resolve();
  await some.end("c1");
  expect(asked).toEqual(["mount broken c1", "unmount broken c1"]);
  expect(database.volumeUses()).toEqual([]);
});

test("a plugin is asked once, however often the end is", async () => {
  const some = uses();
  await some.begin("c1", "d", "v");
  const ends = [some.end("c1"), some.end("c1")];
  unmounting.resolve();
  await Promise.all(ends);
  await some.end("c1");
  expect(asked).toEqual(["mount v c1", "unmount v c1"]);
});
