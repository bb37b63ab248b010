/**
 * Unpacks an image's layers from the content store into the storage driver.
 * @module
 */
import { createHash } from "node:crypto";
import {
  decompress,
  layerChanges,
  parseDigest,
  readTar,
  type ContentStore,
  type Descriptor,
  type LayerChange,
  type TarEntry,
} from "../image/mod.ts";
import type { SnapshotDriver } from "../storage/mod.ts";
import { failure } from "../errors/mod.ts";
import type { ImageContent } from "./images-read.ts";

/** A layer whose blob is in the store. */
export interface LayerJob {
  readonly blob: Descriptor;
  readonly diffId: string;
  readonly chainId: string;
  readonly parent?: string;
  /** Told of the bytes of the blob that were read so far. */
  readonly onRead?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** The job of the layer `index` of an image. */
export function layerJob(blob: Descriptor, index: number, { config, chain }: ImageContent): LayerJob {
  const parent = index === 0 ? undefined : chain[index - 1];
  return {
    blob,
    diffId: config.rootfs.diff_ids[index] ?? "",
    chainId: chain[index] ?? "",
    ...(parent === undefined ? {} : { parent }),
  };
}

/**
 * Unpacks the layer unless it is there; whether it wasn't. Throws `digest-mismatch` if its content isn't what the
 * image's configuration says, `bad-archive` if there is no harmless reading of it; then nothing is there.
 */
export async function unpackLayer(
  content: ContentStore,
  storage: SnapshotDriver,
  job: LayerJob,
): Promise<boolean> {
  const { chainId, parent } = job;
  if (await storage.hasLayer(chainId)) return false;
  await storage.unpack({
    chainId,
    ...(parent === undefined ? {} : { parent }),
    changes: changesOf(content, job),
  });
  return true;
}

async function* changesOf(
  content: ContentStore,
  job: LayerJob,
): AsyncGenerator<LayerChange<TarEntry>, void, void> {
  const what = `layer ${job.blob.digest}`;
  const { algorithm } = parseDigest(job.diffId);
  const hash = createHash(algorithm);
  const { stream } = await decompress(counted(content.reader(job.blob.digest), job), { what });
  async function* hashed(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of stream) {
      hash.update(chunk);
      yield chunk;
    }
  }
  // The reader of the archive goes on to the end of the stream, so that all of it is hashed.
  yield* layerChanges(readTar(hashed(), { what }), what);
  const actual = `${algorithm}:${hash.digest("hex")}`;
  if (actual !== job.diffId) throw failure("digest-mismatch", { what, expected: job.diffId, actual });
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  { onRead, signal }: LayerJob,
): AsyncGenerator<Uint8Array, void, void> {
  let bytes = 0;
  for await (const chunk of source) {
    signal?.throwIfAborted();
    yield chunk;
    bytes += chunk.length;
    onRead?.(bytes);
  }
}
