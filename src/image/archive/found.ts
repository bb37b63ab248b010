/**
 * What the readers of archive formats are given and what they give back.
 * @module
 */
import type { ImageConfig } from "../config.ts";
import type { Descriptor } from "../content/store.ts";
import { digestOf } from "../digest.ts";
import type { Reference } from "../reference.ts";
import type { Platform } from "../registry/types.ts";
import type { CheckedLayer, LayerChecker } from "./layers.ts";
import type { ArchiveMembers } from "./members.ts";

/** Media type of an OCI image manifest. */
export const ociManifestType: string = "application/vnd.oci.image.manifest.v1+json";

/** A small blob: from the archive, or made from it. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

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

/** The OCI manifest of these parts: the very bytes that Docker writes for them. */
export function makeManifest(config: Descriptor, layers: readonly Descriptor[]): BlobSource {
  const document = { schemaVersion: 2, mediaType: ociManifestType, config, layers };
  const bytes = Buffer.from(JSON.stringify(document));
  return { descriptor: { mediaType: ociManifestType, digest: digestOf(bytes), size: bytes.length }, bytes };
}
