import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { configOf, tarOf } from "../image/archive/build-archive.ts";
import { chainIds, digestOf } from "../image/mod.ts";
import { FakeRegistry, rejection } from "../image/registry/fake-registry.ts";
import type { Json } from "./engine.ts";
import { ImageBench, reported } from "./images-fake-storage.ts";
import type { ImageService, ImageUser } from "./images.ts";

const layers = [await tarOf({ a: "1" }), await tarOf({ b: "22" })];
const [layer1 = Buffer.alloc(0)] = layers;
const config = configOf(layers, {
  config: { Labels: { made: "here" } },
  created: "2024-01-01T00:00:00Z",
}).toString();
const id = digestOf(config);
const base = configOf([layer1]).toString();
const chain = chainIds(layers.map((layer) => digestOf(layer)));
const short = id.slice(7, 19);
const stopped: ImageUser = { id: "c".repeat(64), name: "c1", running: false };
const running: ImageUser = { id: "d".repeat(64), name: "d1", running: true };

/** An engine that has pulled one image by its tag. */
class Pulled implements AsyncDisposable {
  readonly bench: ImageBench;
  readonly name: string;
  readonly digest: string;
  readonly service: ImageService;
  readonly #registry: FakeRegistry;

  private constructor(registry: FakeRegistry, service: ImageService, bench: ImageBench, digest: string) {
    this.#registry = registry;
    this.service = service;
    this.bench = bench;
    this.name = `${registry.host}/test/app`;
    this.digest = `${this.name}@${digest}`;
  }

  static async make(): Promise<Pulled> {
    const registry = await FakeRegistry.start();
    const bench = new ImageBench();
    const manifest = registry.addImage(layers, "latest", config);
    const index = registry.addIndex([[manifest, { os: "linux", architecture: "amd64" }]], "index");
    registry.addImage([layer1], "base", base);
    const pulled = new Pulled(registry, await bench.open(), bench, index.digest);
    await pulled.pull("index");
    bench.events.length = 0;
    return pulled;
  }

  async pull(tag: string): Promise<void> {
    await reported(this.service.pull(this.name, { tag, signal: new AbortController().signal }));
  }

  async remove(name: string, force = false): Promise<Json[]> {
    return await this.service.remove(name, { force, noprune: false });
  }

  get blobs(): string[] {
    return readdirSync(join(this.bench.root, "images/blobs/sha256"));
  }

  get actions(): string[] {
    return this.bench.events.map(({ Action }) => Action);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }
}

const gone = [{ Deleted: id }, ...chain.toReversed().map((chainId) => ({ Deleted: chainId }))];

test("the last tag takes the digest, the image and its layers with it", async () => {
  await using pulled = await Pulled.make();
  expect(await pulled.remove(`${pulled.name}:index`)).toEqual([
    { Untagged: `${pulled.name}:index` },
    { Untagged: pulled.digest },
    ...gone,
  ]);
  expect(pulled.bench.storage.unpacked.size).toBe(0);
  expect(pulled.blobs).toEqual([]);
  expect(pulled.bench.events.map(({ Action, Actor }) => [Action, Actor.Attributes])).toEqual([
    ["untag", { made: "here", name: id }],
    ["delete", { name: id }],
  ]);
  expect(await rejection(pulled.remove(id))).toBe(`No such image: ${id}`);
  expect(await rejection((await pulled.bench.open()).inspect(pulled.name))).toContain("No such image");
});

test("one of several tags is only taken away", async () => {
  await using pulled = await Pulled.make();
  await pulled.service.tag(id, "other", "1");
  expect(await pulled.remove("other:1")).toEqual([{ Untagged: "other:1" }]);
  await pulled.service.tag(id, "other", "");
  expect(await rejection(pulled.remove(short))).toBe(
    `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  );
  expect(await pulled.remove(short, true)).toEqual([
    { Untagged: `${pulled.name}:index` },
    { Untagged: pulled.digest },
    { Untagged: "other:latest" },
    ...gone,
  ]);
});

test("by its ID an image goes with its only tag", async () => {
  await using pulled = await Pulled.make();
  expect(await pulled.remove(id)).toEqual([
    { Untagged: `${pulled.name}:index` },
    { Untagged: pulled.digest },
    ...gone,
  ]);
  expect(pulled.actions).toEqual(["untag", "untag", "delete"]);
});

test("the digest alone can be taken away", async () => {
  await using pulled = await Pulled.make();
  expect(await pulled.remove(pulled.digest)).toEqual([{ Untagged: pulled.digest }]);
  expect(await pulled.service.inspect(id)).toMatchObject({
    RepoDigests: [],
    RepoTags: [`${pulled.name}:index`],
  });
});

test("a stopped container keeps its image unless forced, and its layers even then", async () => {
  await using pulled = await Pulled.make();
  pulled.bench.users.set(id, [stopped]);
  pulled.bench.chains = [chain];
  const name = `${pulled.name}:index`;
  expect(await rejection(pulled.remove(name))).toBe(
    `conflict: unable to remove repository reference "${name}" (must force) - container cccccccccccc is using its referenced image ${short}`,
  );
  expect(await rejection(pulled.remove(id))).toBe(
    `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`,
  );
  await pulled.service.tag(id, "other", "1");
  expect(await pulled.remove("other:1")).toEqual([{ Untagged: "other:1" }]);
  expect(await pulled.remove(name, true)).toEqual([
    { Untagged: name },
    { Untagged: pulled.digest },
    { Deleted: id },
  ]);
  expect(pulled.bench.storage.unpacked.size).toBe(2);
  pulled.bench.chains = [];
  await pulled.service.sweep();
  expect(pulled.bench.storage.unpacked.size).toBe(0);
});

test("a running container keeps its image whatever is forced", async () => {
  await using pulled = await Pulled.make();
  pulled.bench.users.set(id, [stopped, running]);
  expect(await rejection(pulled.remove(short, true))).toBe(
    `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container dddddddddddd`,
  );
  expect(await pulled.remove(`${pulled.name}:index`, true)).toEqual([
    { Untagged: `${pulled.name}:index` },
    { Untagged: pulled.digest },
  ]);
  expect(await pulled.service.inspect(id)).toMatchObject({ RepoTags: [], RepoDigests: [] });
});

test("what other images have stays", async () => {
  await using pulled = await Pulled.make();
  await pulled.pull("base");
  await pulled.remove(id);
  expect([...pulled.bench.storage.unpacked.keys()]).toEqual(chain.slice(0, 1));
  expect(pulled.blobs.toSorted()).toContain(digestOf(layer1).slice(7));
  expect(pulled.blobs).toHaveLength(3);
});

test("prune takes what has no tag, or all that nobody uses", async () => {
  await using pulled = await Pulled.make();
  await pulled.pull("base");
  const { service, bench } = pulled;
  const none = { ImagesDeleted: null, SpaceReclaimed: 0 };
  expect(await service.prune(new Map())).toEqual(none);
  const all: [string, string[]] = ["dangling", ["false"]];
  expect(await service.prune(new Map([all, ["until", ["2020-01-01"]]]))).toMatchObject({ SpaceReclaimed: 0 });
  expect(await service.prune(new Map([["label", ["made=there"]], all]))).toEqual(none);
  expect(await rejection(service.prune(new Map([["x", ["y"]]])))).toBe("invalid filter 'x'");
  bench.users.set(id, [stopped]);
  bench.chains = [chain];
  const baseId = digestOf(base);
  expect(await service.prune(new Map([all]))).toMatchObject({
    ImagesDeleted: expect.arrayContaining([{ Untagged: `${pulled.name}:base` }, { Deleted: baseId }]),
    SpaceReclaimed: 0,
  });
  bench.users.clear();
  bench.chains = [];
  await service.tag(id, "more", "1");
  bench.events.length = 0;
  const { ImagesDeleted, SpaceReclaimed } = await service.prune(new Map([all]));
  expect(SpaceReclaimed).toBe(3);
  expect(ImagesDeleted).toEqual([
    { Untagged: `${pulled.name}:index` },
    { Untagged: pulled.digest },
    { Untagged: "more:1" },
    ...gone,
  ]);
  expect(bench.events.at(-1)).toEqual({
    Type: "image",
    Action: "prune",
    Actor: { ID: "", Attributes: { reclaimed: "3" } },
  });
  expect(pulled.blobs).toEqual([]);
});

test("an image without a tag is pruned though it has a digest", async () => {
  await using pulled = await Pulled.make();
  await pulled.remove(`${pulled.name}:index`, false);
  await reported(pulled.service.pull(pulled.digest, { signal: new AbortController().signal }));
  expect((await pulled.service.prune(new Map())).ImagesDeleted).toEqual([
    { Untagged: pulled.digest },
    ...gone,
  ]);
});

test("what an unfinished pull left is kept from prune while it goes on, and goes after", async () => {
  await using pulled = await Pulled.make();
  const pull = pulled.service.pull(pulled.name, { tag: "base", signal: new AbortController().signal });
  await pull.next();
  await pulled.remove(id);
  expect(pulled.bench.storage.unpacked.size).toBeGreaterThan(0);
  expect(JSON.stringify((await reported(pull)).at(-1))).toContain("Downloaded newer image");
  while (pulled.bench.storage.unpacked.size > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(pulled.service.resolve(`${pulled.name}:base`).chain).toEqual(chain.slice(0, 1));
});

test("layers of what is being made stay", async () => {
  await using pulled = await Pulled.make();
  {
    using _ = pulled.service.keep(pulled.service.resolve(id));
    expect((await pulled.remove(id)).at(-1)).toEqual({ Deleted: id });
  }
  expect(pulled.bench.storage.unpacked.size).toBe(2);
  await pulled.service.sweep();
  expect(pulled.bench.storage.unpacked.size).toBe(0);
});
