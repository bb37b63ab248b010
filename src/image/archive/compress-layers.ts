/**
 * Compresses an image's plain layers, before they go to a registry: the image stays the same (its configuration names
 * the plain layers), its manifest is another one.
 * @module
 */
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import type { ContentStore, Descriptor, StagedBlob } from "../content/store.ts";
import { describe, makeManifest, ociLayerType } from "../manifest.ts";

/** What became of an image whose layers were compressed. */
export interface CompressedImage {
  readonly manifest: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Whether a layer is stored plain. */
export function isPlainLayer({ mediaType }: Descriptor): boolean {
  return mediaType === ociLayerType;
}

/**
 * Stores the plain ones of `layers` compressed by gzip, and a manifest that has them. `config` is the configuration's
 * descriptor. Ends with the signal's reason when it fires; what was stored by then is nobody's.
 */
export async function compressLayers(
  store: ContentStore,
  config: Descriptor,
  layers: readonly Descriptor[],
  signal: AbortSignal,
): Promise<CompressedImage> {
  const done = new Map<string, Descriptor>();
  for (const layer of layers) {
    if (!isPlainLayer(layer) || done.has(layer.digest)) continue;
    const blob = await compress(store, layer.digest, signal);
    await blob.publish();
    done.set(layer.digest, describe(`${ociLayerType}+gzip`, blob));
  }
  const compressed = layers.map((layer) => done.get(layer.digest) ?? layer);
  const manifest = makeManifest(config, compressed);
  await store.put(manifest.bytes);
  return { manifest: manifest.descriptor, layers: compressed };
}

async function compress(store: ContentStore, digest: string, signal: AbortSignal): Promise<StagedBlob> {
  const { createGzip } = await import("node:zlib");
  const stage = await store.stage();
  try {
    await pipeline(
      Readable.from(store.reader(digest)),
      // Go's writer makes no header of its own either: no name, no time, the same bytes each time.
      createGzip({ level: 6 }),
      async (source: AsyncIterable<Uint8Array>) => {
        for await (const chunk of source) await stage.write(chunk);
      },
      { signal },
    );
  } catch (error) {
    await stage.discard();
    signal.throwIfAborted();
    throw error;
  }
  return await stage.seal();
}
