/**
 * Makes an image of one layer from an archive of a root file system, as `docker import` does.
 * @module
 */
import type { ImageConfig } from "../config.ts";
import type { ContentStore, Descriptor } from "../content/store.ts";
import { layerChanges } from "../layer.ts";
import { describe, ociLayerType, storeImage } from "../manifest.ts";
import { hostPlatform } from "../registry/platform.ts";
import type { Platform } from "../registry/types.ts";
import { decompress } from "../tar/compression.ts";
import { readTar } from "../tar/reader.ts";
import { applyChanges } from "./changes.ts";
import type { LoadedImage } from "./load.ts";

/** How a root file system becomes an image. */
export interface ImportOptions {
  /** Dockerfile instructions. */
  readonly changes?: readonly string[];
  /** Where it came from, for the history; `Imported from -` if undefined. */
  readonly message?: string;
  /** The host's if undefined. */
  readonly platform?: Platform;
  /** Time of creation, the present if undefined. */
  readonly created?: Date;
  /** Bytes that the archive may have when decompressed, undefined for any. */
  readonly limit?: number;
}

const what = "root file system";

/**
 * Stores the archive, decompressed if it is compressed, as the layer of a new image without a name. Throws
 * `bad-archive` for what isn't a harmless archive and `invalid-parameter` for wrong instructions; then nothing is
 * stored.
 */
export async function importRootfs(
  source: AsyncIterable<Uint8Array>,
  store: ContentStore,
  options: ImportOptions = {},
): Promise<LoadedImage> {
  const config = applyChanges({}, options.changes ?? []);
  const { stream } = await decompress(source, { what, limit: options.limit });
  const layer = await storeLayer(stream, store);
  const { os, architecture, variant } = options.platform ?? hostPlatform();
  const created = (options.created ?? new Date()).toISOString();
  const comment = options.message || "Imported from -";
  const image: ImageConfig = {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    comment,
    config,
    created,
    history: [{ created, comment }],
    os,
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  };
  return { ...(await storeImage(store, image, [layer])), image, tags: [] };
}

/** Stores the stream while it is read as what the unpacker will make of it, so that a bad one is never stored. */
async function storeLayer(stream: AsyncIterable<Uint8Array>, store: ContentStore): Promise<Descriptor> {
  const stage = await store.stage();
  async function* copied(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of stream) {
      await stage.write(chunk);
      yield chunk;
    }
  }
  try {
    for await (const _ of layerChanges(readTar(copied(), { what }), what));
  } catch (error) {
    await stage.discard();
    throw error;
  }
  const layer = await stage.seal();
  await layer.publish();
  return describe(ociLayerType, layer);
}
