import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { openLayout } from "../content/layout.ts";
import { MemoryStore } from "../content/memory.ts";
import { digestOf } from "../digest.ts";
import { familiarReference } from "../reference.ts";
import { writeTar, type EntryInput } from "../tar/writer.ts";
import { inChunks, joined, rejection } from "../testing.ts";
import { blobPath, configOf, descriptorOf, indexOf, manifestOf, tarOf } from "./build-archive.ts";
import { readImageArchive, type LoadedImage, type LoadOptions } from "./load.ts";
import { writeImageArchive } from "./save.ts";

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
const layers = [await tarOf({ a: "1" }), await tarOf({ b: "2" })];
const [layer1 = Buffer.alloc(0), layer2 = Buffer.alloc(0)] = layers;
const config = configOf(layers);
const items = (more: object = {}): string =>
  JSON.stringify([
    { Config: "c.json", RepoTags: ["x:1", "h.io/y:2"], Layers: ["1/layer.tar", "2/layer.tar"], ...more },
  ]);
const files = { "1/layer.tar": layer1, "2/layer.tar": layer2, "c.json": config, "manifest.json": items() };

async function load(
  archive: Record<string, string | Uint8Array> | Uint8Array,
  options?: LoadOptions,
  store = new MemoryStore(),
): Promise<LoadedImage[]> {
  const bytes = archive instanceof Uint8Array ? archive : await tarOf(archive);
  return await readImageArchive(inChunks(bytes, 3000), store, options);
}

test("an archive of Docker's, compressed or not, in any order", async () => {
  const manifest = manifestOf(config, layers);
  for (const archive of [
    await tarOf(files),
    gzipSync(await tarOf(Object.fromEntries(Object.entries(files).toReversed()))),
  ]) {
    const store = new MemoryStore();
    const [image, ...more] = await load(archive, {}, store);
    expect(more).toEqual([]);
    expect(image?.manifest).toEqual(descriptorOf(manifestType, manifest));
    expect(image?.config.digest).toBe(digestOf(config));
    expect(image?.image.config.Cmd).toEqual(["sh"]);
    expect(image?.tags.map(familiarReference)).toEqual(["x:1", "h.io/y:2"]);
    const stored = (await Array.fromAsync(store.list())).map(({ digest }) => digest);
    expect(stored.toSorted()).toEqual([manifest, config, ...layers].map((blob) => digestOf(blob)).toSorted());
  }
});

test("layers that are links to others, as old versions save them", async () => {
  const same = configOf([layer1, layer1]);
  const [image] = await load({ ...files, "c.json": same, "2/layer.tar": "->../1/layer.tar" });
  expect(image?.image.rootfs.diff_ids).toEqual([digestOf(layer1), digestOf(layer1)]);
});

test("layers that are hard links to others, and names with dots", async () => {
  const entries: EntryInput[] = [
    { type: "directory", path: "./1" },
    { type: "file", path: "./1/layer.tar", body: layer1 },
    { type: "hardlink", path: "./2/layer.tar", linkPath: "./1/layer.tar" },
    { type: "file", path: "/c.json", body: configOf([layer1, layer1]) },
    { type: "file", path: "../outside", body: Buffer.from("ignored") },
    { type: "file", path: "x/../manifest.json", body: Buffer.from(items()) },
  ];
  const [image] = await load(await joined(writeTar(entries)));
  expect(image?.image.rootfs.diff_ids).toEqual([digestOf(layer1), digestOf(layer1)]);
  const fifo = await joined(writeTar([{ type: "fifo", path: "manifest.json" }]));
  expect(await rejection(load(fifo))).toMatchObject({ message: expect.stringContaining("no plain file") });
});

test("compressed layers keep their compression if it has a media type", async () => {
  const bzip2 = spawnSync("bzip2", ["-c"], { input: layer2 }).stdout;
  const gzip = gzipSync(layer1);
  const store = new MemoryStore();
  const [image] = await load({ ...files, "1/layer.tar": gzip, "2/layer.tar": bzip2 }, {}, store);
  const manifest = JSON.parse(
    Buffer.from(await store.bytes(image?.manifest.digest ?? "", 10_000)).toString(),
  ) as object;
  expect(manifest).toMatchObject({
    layers: [
      descriptorOf("application/vnd.oci.image.layer.v1.tar+gzip", gzip),
      descriptorOf("application/vnd.oci.image.layer.v1.tar", layer2),
    ],
  });
  expect(await store.has(digestOf(layer2))).toBe(true);
  expect(await store.has(digestOf(bzip2))).toBe(false);
});

/** An OCI layout of one image with gzipped layers. */
const zipped = layers.map((layer) => gzipSync(layer));
const zippedManifest = manifestOf(config, zipped, "+gzip");
const blobs = Object.fromEntries([config, zippedManifest, ...zipped].map((blob) => [blobPath(blob), blob]));
const entry = (name: string): object =>
  descriptorOf(manifestType, zippedManifest, { annotations: { "org.opencontainers.image.ref.name": name } });
const oci = { ...blobs, "oci-layout": '{"imageLayoutVersion":"1.0.0"}' };

test("an OCI layout, with the names that containerd, Docker and skopeo give", async () => {
  const full = descriptorOf(manifestType, zippedManifest, {
    annotations: { "io.containerd.image.name": "docker.io/library/z:3" },
  });
  const index = indexOf([entry("q.io/a:1"), entry("latest"), entry("!!:"), full] as never);
  const [image, ...more] = await load({ ...oci, "index.json": index });
  expect(more).toEqual([]);
  expect(image?.manifest).toEqual(descriptorOf(manifestType, zippedManifest));
  expect(image?.tags.map(familiarReference)).toEqual(["q.io/a:1", "z:3"]);
});

test("Docker's list beside an OCI index: its names, the index' manifest", async () => {
  const list = items({ Config: blobPath(config), Layers: zipped.map(blobPath) });
  const [image] = await load({
    ...oci,
    "manifest.json": list,
    "index.json": indexOf([entry("other:9")] as never),
  });
  expect(image?.manifest.digest).toBe(digestOf(zippedManifest));
  expect(image?.tags.map(familiarReference)).toEqual(["x:1", "h.io/y:2"]);
});

test("of an index the image for the platform is taken, attestations are none", async () => {
  const arm = configOf([layer2], { architecture: "arm64" });
  const armManifest = manifestOf(arm, [layer2]);
  const attestation = descriptorOf(manifestType, Buffer.from("absent"), {
    platform: { os: "unknown", architecture: "unknown" },
  });
  const nested = indexOf([
    descriptorOf(manifestType, zippedManifest, { platform: { os: "linux", architecture: "amd64" } }),
    descriptorOf(manifestType, armManifest, {
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
    }),
    attestation,
  ]);
  const archive = {
    ...oci,
    [blobPath(arm)]: arm,
    [blobPath(armManifest)]: armManifest,
    [blobPath(layer2)]: layer2,
    [blobPath(nested)]: nested,
    "index.json": indexOf([descriptorOf(indexType, nested), attestation]),
  };
  const loaded = async (architecture: string): Promise<string | undefined> =>
    (await load(archive, { platform: { os: "linux", architecture } }))[0]?.manifest.digest;
  expect(await loaded("amd64")).toBe(digestOf(zippedManifest));
  expect(await loaded("arm64")).toBe(digestOf(armManifest));
  expect(await rejection(loaded("s390x"))).toMatchObject({ code: "no-matching-manifest" });
});

test("what Docker before 1.10 wrote", async () => {
  const [lower, upper] = ["a".repeat(64), "b".repeat(64)] as const;
  const json = {
    id: upper,
    parent: lower,
    created: "2014-01-01T00:00:00Z",
    container_config: { Cmd: ["run", "x"] },
    config: { Cmd: ["y"] },
    architecture: "amd64",
    os: "linux",
    Size: 3,
  };
  const [image] = await load({
    repositories: JSON.stringify({ old: { "1": upper, "2": upper } }),
    [`${upper}/json`]: JSON.stringify(json),
    [`${upper}/layer.tar`]: layer2,
    [`${lower}/json`]: JSON.stringify({ id: lower }),
    [`${lower}/layer.tar`]: layer1,
  });
  expect(image?.tags.map(familiarReference)).toEqual(["old:1", "old:2"]);
  expect(image?.image).toMatchObject({
    config: { Cmd: ["y"] },
    rootfs: { diff_ids: [digestOf(layer1), digestOf(layer2)] },
    history: [{}, { created: "2014-01-01T00:00:00Z", created_by: "run x" }],
  });
  const circle = {
    repositories: JSON.stringify({ o: { a: lower } }),
    [`${lower}/json`]: JSON.stringify({ parent: lower }),
    [`${lower}/layer.tar`]: layer1,
  };
  expect(await rejection(load(circle))).toMatchObject({ code: "bad-archive" });
});

const big = Buffer.from(" ".repeat(5 << 20));
test.each<[string, Record<string, string | Uint8Array>, string]>([
  ["no list", { x: "y" }, "not an image archive"],
  ["a list that isn't JSON", { ...files, "manifest.json": "[" }, "it is not JSON"],
  ["a list that is an object", { ...files, "manifest.json": "{}" }, "it is not a list"],
  ["a list of texts", { ...files, "manifest.json": '["x"]' }, "[0] is not a JSON object"],
  ["a list that is too large", { ...files, "manifest.json": big }, "larger than"],
  ["no configuration in the list", { ...files, "manifest.json": "[{}]" }, "has no Config"],
  [
    "a missing configuration",
    { ...files, "manifest.json": items({ Config: "d.json" }) },
    'it lacks "d.json"',
  ],
  [
    "a configuration outside",
    { ...files, "manifest.json": items({ Config: "../../etc/passwd" }) },
    "it lacks",
  ],
  ["a broken configuration", { ...files, "c.json": "{}" }, "no RootFS key"],
  [
    "a missing layer",
    { ...files, "manifest.json": items({ Layers: ["1/layer.tar", "3/layer.tar"] }) },
    'it lacks "3/layer.tar"',
  ],
  [
    "a layer too few",
    { ...files, "manifest.json": items({ Layers: ["1/layer.tar"] }) },
    "layers length mismatch: expected 1, got 2",
  ],
  [
    "layers in the wrong order",
    { ...files, "manifest.json": items({ Layers: ["2/layer.tar", "1/layer.tar"] }) },
    "invalid diffID for layer 0",
  ],
  ["a damaged layer", { ...files, "2/layer.tar": gzipSync(layer2).subarray(0, 40) }, "2/layer.tar: "],
  [
    "another layer's content, compressed",
    { ...files, "2/layer.tar": zstdCompressSync(layer1) },
    "invalid diffID for layer 1",
  ],
  [
    "links in a circle",
    { ...files, "1/layer.tar": "->../2/layer.tar", "2/layer.tar": "->../1/layer.tar" },
    "it lacks",
  ],
  ["a link to the outside", { ...files, "1/layer.tar": "->../../../etc/passwd" }, "it lacks"],
  ["a bad name", { ...files, "manifest.json": items({ RepoTags: ["X:1"] }) }, "must be lowercase"],
  ["a name without a tag", { ...files, "manifest.json": items({ RepoTags: ["x"] }) }, 'invalid tag "x"'],
  [
    "an index with layers",
    { ...oci, "index.json": indexOf([entry("a:1")] as never, { layers: [] }) },
    "not an OCI image index",
  ],
  [
    "a path as digest",
    { ...oci, "index.json": '{"manifests":[{"mediaType":"x","digest":"sha256:../../x","size":1}]}' },
    "not an OCI image index",
  ],
  ["an index of nothing", { ...oci, "index.json": indexOf([]) }, "it has no images"],
  [
    "a manifest that isn't there",
    { ...oci, "index.json": indexOf([descriptorOf(manifestType, layer1)]) },
    "it lacks",
  ],
  [
    "a blob that isn't what it is called",
    { ...oci, [blobPath(zipped[0] ?? config)]: "other", "index.json": indexOf([entry("a:1")] as never) },
    "has digest",
  ],
  [
    "a wrong size",
    { ...oci, "index.json": indexOf([{ ...descriptorOf(manifestType, zippedManifest), size: 1 }]) },
    "instead of 1",
  ],
])("an archive with %s is refused", async (_, archive, reason) => {
  expect(await rejection(load(archive))).toMatchObject({ message: expect.stringContaining(reason) });
});

test("a manifest that is an index as well is refused", async () => {
  const both = Buffer.from(
    JSON.stringify({ ...(JSON.parse(zippedManifest.toString()) as object), manifests: [] }),
  );
  const index = indexOf([descriptorOf(manifestType, both)]);
  expect(await rejection(load({ ...oci, [blobPath(both)]: both, "index.json": index }))).toMatchObject({
    code: "bad-manifest",
  });
});

test("files twice, bombs and floods are refused", async () => {
  const twice = Buffer.concat([(await tarOf({ x: "1" })).subarray(0, 1024), await tarOf({ "./x": "2" })]);
  expect(await rejection(load(twice))).toMatchObject({
    message: 'image archive: the archive has two files of one name: "x"',
  });
  expect(await rejection(load(files, { limits: { members: 3 } }))).toMatchObject({
    message: expect.stringContaining("more than 3 files"),
  });
  expect(await rejection(load(files, { limits: { members: 9, size: 2000 } }))).toMatchObject({
    message: expect.stringContaining("more than 2000 bytes"),
  });
  const bomb = gzipSync(Buffer.alloc(1 << 20));
  expect(
    await rejection(load({ ...files, "1/layer.tar": bomb }, { limits: { members: 9, layer: 1000 } })),
  ).toMatchObject({ message: expect.stringContaining("more than 1000 bytes") });
});

test("a refused archive leaves nothing on the disk, a good one only its blobs", async () => {
  const root = mkdtempSync(join(tmpdir(), "caisson-load-"));
  try {
    const store = await openLayout(root);
    const left = (): string[] => [
      ...readdirSync(join(root, "ingest")),
      ...readdirSync(join(root, "blobs/sha256")),
    ];
    const bzip2 = spawnSync("bzip2", ["-c"], { input: layer2 }).stdout;
    const bad = await tarOf({ ...files, "2/layer.tar": bzip2, "c.json": configOf([layer1, layer1]) });
    expect(await rejection(readImageArchive(inChunks(bad, 999), store))).toMatchObject({
      code: "bad-archive",
    });
    expect(await rejection(readImageArchive(inChunks(bad.subarray(0, 3000), 999), store))).toMatchObject({
      code: "bad-archive",
    });
    expect(left()).toEqual([]);
    await readImageArchive(
      inChunks(await tarOf({ ...files, more: "unused", "2/layer.tar": bzip2 }), 999),
      store,
    );
    expect(left().length).toBe(4);
    await readImageArchive(inChunks(await tarOf(files), 999), store);
    expect(left().length).toBe(4);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("what is saved is loaded again, and always the same bytes", async () => {
  const store = new MemoryStore();
  const images = [
    ...(await load(files, {}, store)),
    ...(await load(
      { ...oci, "index.json": indexOf([descriptorOf(manifestType, zippedManifest)]) },
      {},
      store,
    )),
  ];
  const archive = await joined(writeImageArchive(store, images));
  expect(await joined(writeImageArchive(store, images))).toEqual(archive);
  expect(await load(archive)).toEqual(images);
  expect(await rejection(joined(writeImageArchive(new MemoryStore(), images)))).toMatchObject({
    code: "not-found",
  });
});
