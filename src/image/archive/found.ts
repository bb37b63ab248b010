/**
 * What the readers of archive formats are given and what they give back.
 * @module
 */
import type { ImageConfig } from "../config.ts";
import type { BlobSource } from "../manifest.ts";
import type { Reference } from "../reference.ts";
import type { Platform } from "../registry/types.ts";
import type { CheckedLayer, LayerChecker } from "./layers.ts";
import type { ArchiveMembers } from "./members.ts";

/** An image of an archive, complete and checked, to be published. */
export interface FoundImage {
  readonly image: ImageConfig;
  readonly tags: readonly Reference[];
  readonly config: BlobSource;
  readonly manifest: BlobSource;
  readonly layers: readonly CheckedLayer[];
}

/** What readers of the formats are given. */
export interface ArchiveContext {
  readonly members: ArchiveMembers;
  readonly layers: LayerChecker;
  readonly platform: Platform;
  /** Names the archive in errors. */
  readonly what: string;
}
