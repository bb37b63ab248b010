/**
 * A new image of another one and a layer on top: stored, unpacked and named as one.
 * @module
 */
import { applyChanges, familiarReference, storeChildImage, type ImageRunConfig } from "../image/mod.ts";
import { failure } from "../errors/mod.ts";
import { publishImage, type ImageContext } from "./images-context.ts";
import { newName } from "./images-load.ts";
import { readImage } from "./images-read.ts";
import { layerJob, unpackLayer } from "./images-unpack.ts";
import { formatTime, now } from "./time.ts";

/** What an image is made of. */
export interface NewImage {
  /** The ID of the image below. */
  readonly parent: string;
  /** The layer's archive. */
  readonly layer: () => AsyncIterable<Uint8Array>;
  readonly config: ImageRunConfig;
  /** Dockerfile instructions that change the configuration. */
  readonly changes: readonly string[];
  readonly createdBy: string;
  readonly author?: string;
  readonly comment?: string;
  readonly repository?: string;
  readonly tag?: string;
}

/** Makes the image; its ID and its name. What is wrong with the request is said before anything is made. */
export async function commitImage(
  context: ImageContext,
  request: NewImage,
): Promise<{ readonly id: string; readonly name: string }> {
  const { content, storage, store, collector } = context;
  const { repository, tag, changes, author, comment, createdBy } = request;
  const name = repository === undefined || repository === "" ? undefined : newName(repository, tag);
  const config = applyChanges(request.config, changes);
  return await collector.holding(async () => {
    const parent = store.table.get(request.parent);
    if (parent === undefined) throw failure("no-such-image", { reference: request.parent });
    const { manifest } = await storeChildImage(content, {
      parent,
      layer: request.layer(),
      config,
      created: formatTime(now()),
      createdBy,
      ...(author === undefined ? {} : { author }),
      ...(comment === undefined ? {} : { comment }),
    });
    const image = await readImage(content, manifest);
    for (const [index, blob] of image.layers.entries())
      await unpackLayer(content, storage, layerJob(blob, index, image));
    await store.change((table) => {
      table.add(image);
      if (name === undefined) return;
      table.name(image.id, name);
      table.touch(image.id, formatTime(now()));
    });
    const familiar = name === undefined ? "" : familiarReference(name);
    if (name !== undefined) publishImage(context, "tag", image, { name: familiar });
    return { id: image.id, name: familiar };
  });
}
