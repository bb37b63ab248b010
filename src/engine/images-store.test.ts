import { expect, test } from "bun:test";
import { configOf, descriptorOf, manifestOf, tarOf } from "../image/archive/build-archive.ts";
import { MemoryStore } from "../image/content/memory.ts";
import { digestOf, parseReference, type Descriptor } from "../image/mod.ts";
import { rejection } from "../image/registry/fake-registry.ts";
import { FakeStorage } from "./images-fake-storage.ts";
import { readImage } from "./images-read.ts";
import { ImageStore } from "./images-store.ts";

const layer = await tarOf({ a: "1" });
const config = configOf([layer]);
const manifest = manifestOf(config, [layer]);
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const descriptor = descriptorOf(manifestType, manifest);
const id = digestOf(config);
const digest = `sha256:${"d".repeat(64)}`;
const nameOf = (entry: Descriptor): string | undefined => entry.annotations?.["io.containerd.image.name"];

async function content(): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const blob of [layer, config, manifest]) await store.put(blob);
  return store;
}

async function open(
  store: MemoryStore,
  warnings: string[] = [],
  storage: FakeStorage = new FakeStorage(),
): Promise<ImageStore> {
  return await ImageStore.open(store, storage, (message) => warnings.push(message));
}

test("layers that a power loss has taken are unpacked again from their blobs; an image without its blobs is told of", async () => {
  const blobs = await content();
  const image = await readImage(blobs, descriptor);
  await (await open(blobs)).change((table) => table.add(image));
  const storage = new FakeStorage();
  const warnings: string[] = [];
  expect((await open(blobs, warnings, storage)).find(id).id).toBe(id);
  expect([storage.order, warnings]).toEqual([[digestOf(layer)], []]);
  await open(blobs, warnings, storage);
  expect(storage.order.length).toBe(1);
  await blobs.delete(digestOf(layer));
  const without = await open(blobs, warnings);
  expect(() => without.find(id)).toThrow("No such image");
  expect(warnings).toEqual([expect.stringContaining(`content ${digestOf(layer)} is not in the store`)]);
  // What is unpacked needs its blob only to be saved or pushed.
  expect((await open(blobs, [], storage)).find(id).id).toBe(id);
});

test("the index has an entry for each tag, which other tools understand, and reads back", async () => {
  const blobs = await content();
  const store = await open(blobs);
  const image = await readImage(blobs, descriptor);
  await store.change((table) => {
    table.add(image);
    for (const name of ["x:1", `h.io/x@${digest}`, "x:2"]) table.name(id, parseReference(name));
    table.touch(id, "2024-01-01T00:00:00Z");
  });
  const own = {
    "caisson.image.digests": `h.io/x@${digest}`,
    "caisson.image.tagged": "2024-01-01T00:00:00Z",
  };
  const entries = ["1", "2"].map((tag) => ({
    ...descriptor,
    annotations: {
      "org.opencontainers.image.ref.name": tag,
      "io.containerd.image.name": `docker.io/library/x:${tag}`,
      ...own,
    },
  }));
  expect(await blobs.index()).toEqual(entries);
  const again = await open(blobs);
  expect(again.find("x:2")).toEqual(store.find(id));
  await again.change((table) => {
    for (const name of ["x:1", "x:2"]) table.unname(parseReference(name));
  });
  expect(await blobs.index()).toEqual([{ ...descriptor, annotations: own }]);
  expect((await open(blobs)).find(`h.io/x@${digest}`).tags).toEqual([]);
});

test("an edit that fails changes nothing", async () => {
  const blobs = await content();
  const store = await open(blobs);
  const image = await readImage(blobs, descriptor);
  const edit = store.change((table) => {
    table.add(image);
    throw new RangeError("no");
  });
  expect(await rejection(edit)).toBe("no");
  expect(() => store.find(id)).toThrow("No such image");
  expect(await blobs.index()).toEqual([]);
});

test("entries that are no image of ours stay, until one of ours takes their place", async () => {
  const blobs = await content();
  const foreign = (name: string): Descriptor => ({
    ...descriptorOf(manifestType, Buffer.from(name)),
    annotations: { "io.containerd.image.name": name },
  });
  const [lost, other] = [foreign("docker.io/library/x:1"), foreign("docker.io/library/y:1")];
  await blobs.updateIndex(() => [lost, other]);
  const warnings: string[] = [];
  const store = await open(blobs, warnings);
  expect(warnings.map((text) => text.split(": ")[0])).toEqual([
    `image ${nameOf(lost)}`,
    `image ${nameOf(other)}`,
  ]);
  expect(store.incomplete).toBe(true);
  const image = await readImage(blobs, descriptor);
  await store.change((table) => {
    table.add(image);
    table.name(id, parseReference("x:1"));
  });
  expect((await blobs.index()).map(nameOf)).toEqual([nameOf(other), nameOf(lost)]);
  await store.change((table) => table.unname(parseReference("x:1")));
  expect((await blobs.index()).map(nameOf)).toEqual([nameOf(other), undefined]);
});

test("what isn't an image for this engine is refused", async () => {
  const blobs = await content();
  const windows = configOf([layer], { os: "windows" });
  const short = manifestOf(config, []);
  for (const blob of [windows, manifestOf(windows, [layer]), short]) await blobs.put(blob);
  const refused = async (bytes: Buffer): Promise<string> =>
    await rejection(readImage(blobs, descriptorOf(manifestType, bytes)));
  expect(await refused(manifestOf(windows, [layer]))).toBe(
    'image operating system "windows" cannot be used on this platform',
  );
  expect(await refused(short)).toContain("it has 0 layers, its configuration 1");
});
