/**
 * Loads images from an archive: what `docker save` of any version writes, and tars of OCI layouts.
 * Everything is checked before the first blob is published.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { ImageConfig } from "../config.ts";
import type { ContentStore } from "../content/store.ts";
import type { StoredImage } from "../manifest.ts";
import type { Reference } from "../reference.ts";
import { hostPlatform } from "../registry/platform.ts";
import type { Platform } from "../registry/types.ts";
import { readDockerImages } from "./docker-archive.ts";
import { readLegacyImages } from "./legacy.ts";
import type { ArchiveContext, FoundImage } from "./found.ts";
import { LayerChecker } from "./layers.ts";
import { ArchiveMembers, defaultArchiveLimits, type ArchiveLimits } from "./members.ts";
import { readOciImages } from "./oci-archive.ts";

/** An image that was loaded; all its blobs are in the store, whose index isn't changed. */
export interface LoadedImage extends StoredImage {
  readonly image: ImageConfig;
  /** Names that the archive gives it. */
  readonly tags: readonly Reference[];
}

/** How an archive is loaded. */
export interface LoadOptions {
  /** Which image of an index is taken; the host's platform if undefined. */
  readonly platform?: Platform;
  readonly limits?: ArchiveLimits;
}

const what = "image archive";

/**
 * Reads the archive, compressed or not, and stores its images. Throws `bad-archive` for what can't be read, lacks
 * something or contradicts itself, `digest-mismatch` for blobs that aren't what they are called; then nothing is stored.
 */
export async function readImageArchive(
  source: AsyncIterable<Uint8Array>,
  store: ContentStore,
  options: LoadOptions = {},
): Promise<LoadedImage[]> {
  const limits = options.limits ?? defaultArchiveLimits;
  await using members = await ArchiveMembers.read(source, store, what, limits);
  await using layers = new LayerChecker(store, limits.layer);
  const found = await readFormat({ members, layers, platform: options.platform ?? hostPlatform(), what });
  for (const { config, manifest, layers: own } of found) {
    for (const { blob } of own) if (!(await layers.publishMade(blob))) await members.publish(blob);
    await store.put(config.bytes);
    await store.put(manifest.bytes);
  }
  return found.map(({ image, tags, config, manifest }) => {
    return { manifest: manifest.descriptor, config: config.descriptor, image, tags };
  });
}

/** Docker's own list wins over an OCI index beside it, as for Docker itself. */
async function readFormat(context: ArchiveContext): Promise<FoundImage[]> {
  if (context.members.get("manifest.json") !== undefined) return await readDockerImages(context);
  if (context.members.get("index.json") !== undefined) return await readOciImages(context);
  if (context.members.get("repositories") !== undefined) return await readLegacyImages(context);
  throw failure("bad-archive", {
    what,
    reason: "it has neither manifest.json nor index.json: not an image archive",
  });
}
