/**
 * Images that a disk has no room for, or for a part only: whoever brings one is told so, nothing of it stays, and the next
 * one who tries when there is room has it whole.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { busyboxArchive } from "../support/image.ts";
import { dockerArchive, fileEntry, tarOf } from "../support/archive.ts";
import { command, eventually, must, shell, start } from "../support/containers.ts";
import type { Ended, TestEngine } from "../support/engine.ts";
import { patience } from "../support/patience.ts";
import { LocalRegistry } from "../support/registry.ts";
import type { EntryInput } from "../../src/image/mod.ts";
import { engineOn, filesIn, fill, kinds, noSpace, type Filled } from "./small-disk.ts";

/** What each layer takes: bytes in one file, and other files beside it. */
const bytes = 3 << 20;
const files = 150;
const layers = ["a", "b", "c"].map((name): EntryInput[] => [
  fileEntry(name, randomBytes(bytes)),
  ...Array.from({ length: files }, (_, n) => fileEntry(`${name}.${n}`, Buffer.from([n]))),
]);
const content = layers.map(([big]) => big?.body as Uint8Array);
const sums = content.map((body) => createHash("sha256").update(body).digest("hex"));

/** How much is left: nothing, what ends in the midst of a layer or its unpacking, nearly enough. */
const left = {
  space: [0, 1 << 20, 4 << 20, 7 << 20, 13 << 20],
  inodes: [0, 4, 100, 300],
} as const;

describe.each(kinds)("a data root with too little %s", (kind, options) => {
  let engine: TestEngine;
  let registry: LocalRegistry;
  let filled: Filled | undefined;
  const ways = new Map<string, () => Ended>();
  beforeAll(async () => {
    engine = await engineOn("dataRoot", options);
    registry = await LocalRegistry.start(engine);
    const tars = await Promise.all(layers.map(tarOf));
    const pulled = registry.add("big", { Env: ["PATH=/bin"] }, [busyboxArchive(), ...tars]);
    const loaded = await dockerArchive("big", layers);
    const imported = await tarOf(layers.flat());
    ways.set("pull", () => command(engine, ["pull", pulled]));
    ways.set("load", () => command(engine, ["load"], loaded));
    ways.set("import", () => command(engine, ["import", "-", "big"], imported));
    start(engine, ["--name=writer", "--stop-timeout=0"]);
    must(engine, ["cp", "-", "writer:/"], imported);
    must(engine, ["stop", "writer"]);
    ways.set("commit", () => command(engine, ["commit", "writer", "big"]));
  }, 120_000 * patience);
  afterAll(async () => {
    registry[Symbol.dispose]();
    await engine[Symbol.asyncDispose]();
  });

  afterEach(() => filled?.release());

  test.each(["pull", "load", "import", "commit"])(
    "%s",
    async (way) => {
      const parts = ["overlay2/layers", "images/ingest", "images/blobs"];
      // The mark of a layer that the disk has is written a moment later.
      const all = (): string[] =>
        parts
          .flatMap((part) => filesIn(engine, join(engine.dataRoot, part), 2))
          .filter((path) => !path.endsWith("/settled"));
      const nothingStays = async (what: string): Promise<void> => {
        await eventually(`nothing stays of ${what}`, () => all().every((path) => before.includes(path)));
        for (const trash of ["trash", "overlay2/trash"])
          await eventually(
            `${what} is deleted`,
            () => filesIn(engine, join(engine.dataRoot, trash), 1).length === 0,
          );
      };
      const bring = ways.get(way) ?? expect.unreachable();
      const before = all();
      for (const room of left[kind]) {
        filled = fill(engine, kind, engine.dataRoot, room);
        const { code, stdout, stderr } = bring();
        expect([room, code, stdout + stderr]).toEqual([room, 1, expect.stringContaining(noSpace)]);
        await nothingStays(`what had room for ${room}`);
        filled.release();
      }
      expect(bring()).toMatchObject({ code: 0 });
      const [image = ""] = must(engine, ["images", "--format", "{{.Repository}}:{{.Tag}}"])
        .split("\n")
        .filter((name) => name.includes("big"));
      const seen = shell(engine, [`--mount=type=image,src=${image},dst=/i`], "cd /i; sha256sum a b c");
      expect([...seen.matchAll(/[0-9a-f]{64}/g)].map(([sum]) => sum)).toEqual(sums);
      must(engine, ["rmi", image]);
      await nothingStays("the image");
      expect(engine.log()).not.toContain("uncaught");
    },
    180_000 * patience,
  );
});
