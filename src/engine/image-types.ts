/**
 * What the rest of the engine needs to know of an image.
 * @module
 */
import type { ImageDefaults } from "./config-merge.ts";

export interface ResolvedImage {
  /** Image ID: the digest of its configuration, `sha256:…`. */
  readonly id: string;
  /** Chain IDs of its layers, lowest first; each is unpacked. */
  readonly chain: readonly string[];
  readonly defaults: ImageDefaults;
  readonly architecture: string;
  readonly os: string;
}

/** Looks images up for containers. */
export interface ImageResolver {
  /** By reference, id or beginning of an id; `no-such-image` otherwise. */
  resolve(name: string, platform?: string): ResolvedImage;
  /** Keeps the image's layers from being removed until the result is disposed of. */
  keep(image: Pick<ResolvedImage, "chain">): Disposable;
  /** IDs of the image of this name and of those made from it; empty if there is none. */
  family(name: string): readonly string[];
}
