/**
 * Writes an image archive as Docker 28 does: an OCI layout with Docker's own `manifest.json` and `repositories` beside
 * it, so that everything from Docker 1.10 to containerd and skopeo reads it. The same images give the same bytes.
 * @module
 */
import { parseImageConfig } from "../config.ts";
import { formatIndex } from "../content/index-file.ts";
import type { ContentStore, Descriptor } from "../content/store.ts";
import { parseDigest } from "../digest.ts";
import { canonicalReference, familiarName, familiarReference, type Reference } from "../reference.ts";
import { configLimit, manifestLimit, parseManifest, type ImageManifest } from "../registry/manifest.ts";
import { failure } from "../../errors/mod.ts";
import { writeTar, type EntryInput } from "../tar/writer.ts";

/** An image to be written. */
export interface SavedImage {
  /** Of an image manifest, not of an index. */
  readonly manifest: Descriptor;
  /** Names with tags; none for an image that was asked for by its ID. */
  readonly tags: readonly Reference[];
}

interface ReadImage extends SavedImage {
  readonly document: ImageManifest;
  readonly diffIds: readonly string[];
}

/** The archive of the images. Throws `not-found` before the first byte if the store lacks any of their blobs. */
export async function* writeImageArchive(
  store: ContentStore,
  images: readonly SavedImage[],
): AsyncGenerator<Uint8Array, void, void> {
  const read: ReadImage[] = [];
  for (const image of images) read.push(await readImage(store, image));
  const blobs = await collectBlobs(store, read);
  yield* writeTar(members(store, read, blobs));
}

async function readImage(store: ContentStore, image: SavedImage): Promise<ReadImage> {
  const { digest, mediaType } = image.manifest;
  const document = parseManifest(digest, mediaType, await store.bytes(digest, manifestLimit));
  if (document.kind !== "manifest")
    throw failure("invalid-parameter", { message: `${digest} is an index, only images can be saved` });
  const config = parseImageConfig(
    await store.bytes(document.config.digest, configLimit),
    document.config.digest,
  );
  return { ...image, document, diffIds: config.rootfs.diff_ids };
}

/** Size of each blob by its path, sorted by path. */
async function collectBlobs(store: ContentStore, images: readonly ReadImage[]): Promise<[string, number][]> {
  const digests = new Set<string>();
  for (const { manifest, document } of images)
    for (const { digest } of [manifest, document.config, ...document.layers]) digests.add(digest);
  const sizes: [string, number][] = [];
  for (const digest of [...digests].toSorted()) {
    const info = await store.stat(digest);
    if (info === undefined) throw failure("not-found", { message: `content ${digest} is not in the store` });
    sizes.push([digest, info.size]);
  }
  return sizes;
}

function* members(
  store: ContentStore,
  images: readonly ReadImage[],
  blobs: readonly [string, number][],
): Generator<EntryInput, void, void> {
  yield { type: "directory", path: "blobs" };
  const folders = new Set<string>();
  for (const [digest, size] of blobs) {
    const folder = `blobs/${parseDigest(digest).algorithm}`;
    if (!folders.has(folder)) yield { type: "directory", path: folder };
    folders.add(folder);
    yield { type: "file", path: blobPath(digest), size, body: store.reader(digest) };
  }
  yield document("index.json", formatIndex(images.flatMap(indexEntries)));
  yield document("manifest.json", `${JSON.stringify(images.map(manifestItem))}\n`);
  yield document("oci-layout", '{"imageLayoutVersion": "1.0.0"}');
  const repositories = repositoriesOf(images);
  if (Object.keys(repositories).length > 0)
    yield document("repositories", `${JSON.stringify(repositories)}\n`);
}

function document(path: string, text: string): EntryInput {
  return { type: "file", path, body: Buffer.from(text) };
}

/** One entry for each name, one without a name for an image that has none. */
function indexEntries({ manifest, tags }: ReadImage): Descriptor[] {
  const { mediaType, digest, size } = manifest;
  if (tags.length === 0) return [{ mediaType, digest, size }];
  return tags.map((reference) => {
    const annotations = {
      "io.containerd.image.name": canonicalReference(reference),
      "org.opencontainers.image.ref.name": reference.tag ?? "",
    };
    return { mediaType, digest, size, annotations };
  });
}

interface ManifestItem {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
  readonly LayerSources: Readonly<Record<string, Descriptor>>;
}

function manifestItem({ document: { config, layers }, tags, diffIds }: ReadImage): ManifestItem {
  const sources = layers.map(({ mediaType, digest, size }, index): [string, Descriptor] => {
    // This order of fields is Docker's, too.
    return [diffIds[index] ?? digest, { mediaType, size, digest }];
  });
  return {
    Config: blobPath(config.digest),
    RepoTags: tags.length === 0 ? null : tags.map(familiarReference),
    Layers: layers.map(({ digest }) => blobPath(digest)),
    LayerSources: Object.fromEntries(sources.toSorted(byKey)),
  };
}

/** Names by repository and tag, each with the uppermost layer, which had an ID in the days of this file. */
function repositoriesOf(images: readonly ReadImage[]): Record<string, Record<string, string>> {
  const repositories = new Map<string, [string, string][]>();
  for (const {
    tags,
    document: { layers },
  } of images) {
    const top = layers.at(-1);
    if (top === undefined) continue;
    for (const reference of tags) {
      const name = familiarName(reference);
      const entry: [string, string] = [reference.tag ?? "", parseDigest(top.digest).hex];
      repositories.set(name, [...(repositories.get(name) ?? []), entry]);
    }
  }
  return Object.fromEntries(
    [...repositories].toSorted(byKey).map(([name, tags]) => [name, Object.fromEntries(tags.toSorted(byKey))]),
  );
}

/** As Go's encoder orders the keys of a map. */
function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return Number(a > b) - Number(a < b);
}

function blobPath(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}
