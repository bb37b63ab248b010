import { expect, test } from "bun:test";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { configOf, tarOf } from "../image/archive/build-archive.ts";
import { chainIds, digestOf } from "../image/mod.ts";
import { rejection } from "../image/registry/fake-registry.ts";
import { ImageBench, reported } from "./images-fake-storage.ts";
import type { ImageService } from "./images.ts";

const layers = [await tarOf({ a: "1" }), await tarOf({ b: "22" })];
const [layer1 = Buffer.alloc(0), layer2 = Buffer.alloc(0)] = layers;
const chain = chainIds(layers.map((layer) => digestOf(layer)));

/** A `docker save` archive of an image with those layers. */
async function archive(tags: readonly string[] | null, own: readonly Buffer[] = layers): Promise<Buffer> {
  const named = own.map((layer, index): [string, Buffer] => [`${index}/layer.tar`, layer]);
  const item = { Config: "c.json", RepoTags: tags, Layers: named.map(([path]) => path) };
  return await tarOf({
    ...Object.fromEntries(named),
    "c.json": configOf(own),
    "manifest.json": JSON.stringify([item]),
  });
}

const id = digestOf(configOf(layers));

async function loaded(service: ImageService, bytes: Uint8Array, quiet = true): Promise<unknown[]> {
  return await reported(service.load(Readable.from([bytes]), { quiet }));
}

test("an archive's layers are told unless quiet, its images always", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  const lines = await loaded(service, await archive(["x:latest", "h.io/y:2"]), false);
  expect(lines).toEqual([
    ...layers.map((layer) => ({
      status: "Loading layer",
      progressDetail: { current: layer.length, total: layer.length },
      id: digestOf(layer).slice(7, 19),
    })),
    { stream: "Loaded image: x:latest\n" },
    { stream: "Loaded image: h.io/y:2\n" },
  ]);
  expect(bench.storage.order).toEqual(chain);
  expect(service.resolve("x")).toMatchObject({ id, chain });
  expect(bench.events.map(({ Action, Actor }) => [Action, Actor.ID])).toEqual([["load", id]]);
  expect(await loaded(service, gzipSync(await archive(["x:latest"])), false)).toEqual([
    { stream: "Loaded image: x:latest\n" },
  ]);
});

test("an image without a name is told by its ID", async () => {
  await using bench = new ImageBench();
  expect(await loaded(await bench.open(), await archive(null))).toEqual([
    { stream: `Loaded image ID: ${id}\n` },
  ]);
  expect((await bench.open()).resolve(id.slice(7, 19)).id).toBe(id);
});

test("a name that another image had is taken from it", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  await loaded(service, await archive(["x:1"]));
  expect(await loaded(service, await archive(["x:1"], [layer1]))).toEqual([
    {
      stream: `The image x:1 already exists, renaming the old one with ID ${id} to empty string\n`,
    },
    { stream: "Loaded image: x:1\n" },
  ]);
  expect((await service.inspect(id))["RepoTags"]).toEqual([]);
});

test("what isn't an archive of images is refused before anything is told", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  expect(await loaded(service, await tarOf({ junk: "" }))).toEqual([
    expect.stringContaining("not an image archive"),
  ]);
  expect(bench.storage.order).toEqual([]);
});

test("what is saved can be loaded elsewhere", async () => {
  await using bench = new ImageBench();
  await using other = new ImageBench();
  const service = await bench.open();
  await loaded(service, await archive(["x:1", "x:2", "y:1"]));
  const saved = async (...names: string[]): Promise<unknown[]> =>
    await loaded(await other.open(), await buffer(await service.save(names)));
  expect(await saved("x:1")).toEqual([{ stream: "Loaded image: x:1\n" }]);
  expect(await saved("x", "y:1")).toEqual(
    ["x:1", "x:2", "y:1"].map((name) => ({ stream: `Loaded image: ${name}\n` })),
  );
  expect(await saved(id.slice(0, 20))).toEqual([{ stream: `Loaded image ID: ${id}\n` }]);
  expect(other.storage.order).toEqual(chain);
  expect(bench.events.at(-1)).toEqual({
    Type: "image",
    Action: "save",
    Actor: { ID: id, Attributes: { name: id } },
  });
  expect(await rejection(service.save(["x:1", "nope"]))).toBe("No such image: nope");
  expect(await rejection(service.save(["nope:1"]))).toBe("reference does not exist");
});

test("an image that is being saved may be removed", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  await loaded(service, await archive(["x:1"]));
  const stream = await service.save(["x:1"]);
  await service.remove("x:1", { force: false, noprune: false });
  expect((await buffer(stream)).length).toBeGreaterThan(layer1.length + layer2.length);
  // The layers go once the stream is closed.
  while (bench.storage.unpacked.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("images of other platforms than the one that is asked for are passed over", async () => {
  await using bench = new ImageBench();
  const service = await bench.open();
  const bytes = await archive(["x:1"]);
  const load = async (platform: string): Promise<unknown[]> =>
    await reported(service.load(Readable.from([bytes]), { quiet: true, platform }));
  expect(await load("linux/s390x")).toEqual([]);
  expect(await load("linux/amd64")).toEqual([{ stream: "Loaded image: x:1\n" }]);
  expect(await load("a/b/c/d")).toEqual([expect.stringContaining("cannot parse platform specifier")]);
});
