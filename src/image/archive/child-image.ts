/**
 * Makes an image of another one and one more layer: what `docker commit` does, and each step of a build.
 * @module
 */
import type { HistoryEntry, ImageConfig, ImageRunConfig } from "../config.ts";
import type { ContentStore, Descriptor } from "../content/store.ts";
import { digestOf } from "../digest.ts";
import { describe, ociLayerType, storeImage, type StoredImage } from "../manifest.ts";
import { endOfArchive } from "../tar/writer.ts";
import { stageBlob } from "./members.ts";

/** An image on top of another. */
export interface ChildImage {
  readonly parent: { readonly config: ImageConfig; readonly layers: readonly Descriptor[] };
  /** The new layer's archive, not compressed; one without entries adds no layer. Undefined: only the rest changes. */
  readonly layer?: AsyncIterable<Uint8Array>;
  readonly config: ImageRunConfig;
  readonly created: string;
  readonly createdBy: string;
  readonly author?: string;
  readonly comment?: string;
}

const emptyLayer = digestOf(endOfArchive);

/** Stores the image, without a name. If the layer's stream fails, nothing is stored. */
export async function storeChildImage(store: ContentStore, child: ChildImage): Promise<StoredImage> {
  const { parent, config, created, createdBy, author, comment } = child;
  const layer = child.layer === undefined ? undefined : await storeLayer(store, child.layer);
  const said = { ...(author === undefined ? {} : { author }), ...(comment === undefined ? {} : { comment }) };
  const step: HistoryEntry = {
    created,
    created_by: createdBy,
    ...said,
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
  const { rootfs, history, architecture, os, variant } = parent.config;
  const image: ImageConfig = {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...said,
    config,
    created,
    history: [...history, step],
    os,
    ...(parent.config["os.version"] === undefined ? {} : { "os.version": parent.config["os.version"] }),
    rootfs: {
      type: "layers",
      diff_ids: [...rootfs.diff_ids, ...(layer === undefined ? [] : [layer.digest])],
    },
  };
  return await storeImage(store, image, [...parent.layers, ...(layer === undefined ? [] : [layer])]);
}

async function storeLayer(
  store: ContentStore,
  archive: AsyncIterable<Uint8Array>,
): Promise<Descriptor | undefined> {
  const blob = await stageBlob(store, archive);
  if (blob.digest === emptyLayer) {
    await blob.discard();
    return undefined;
  }
  await blob.publish();
  return describe(ociLayerType, blob);
}
