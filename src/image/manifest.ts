/**
 * Makes images' documents: the manifest that joins a configuration and its layers.
 * @module
 */
import { ociConfigType, type ImageConfig } from "./config.ts";
import type { BlobInfo, ContentStore, Descriptor } from "./content/store.ts";
import { digestOf } from "./digest.ts";

/** Media type of an OCI image manifest. */
export const ociManifestType: string = "application/vnd.oci.image.manifest.v1+json";
/** Media type of a layer that isn't compressed. */
export const ociLayerType: string = "application/vnd.oci.image.layer.v1.tar";

/** A small blob in memory. */
export interface BlobSource {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** An image whose blobs are all in the store. */
export interface StoredImage {
  readonly manifest: Descriptor;
  /** Its digest is the image's ID. */
  readonly config: Descriptor;
}

/** The descriptor of a blob, its fields in the order in which Go writes them. */
export function describe(mediaType: string, { digest, size }: BlobInfo): Descriptor {
  return { mediaType, digest, size };
}

/** The OCI manifest of these parts: the very bytes that Docker writes for them. */
export function makeManifest(config: Descriptor, layers: readonly Descriptor[]): BlobSource {
  const document = { schemaVersion: 2, mediaType: ociManifestType, config, layers };
  const bytes = Buffer.from(JSON.stringify(document));
  return { descriptor: { mediaType: ociManifestType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/** Stores the documents of an image whose layers are in the store already, from the lowest up. */
export async function storeImage(
  store: ContentStore,
  image: ImageConfig,
  layers: readonly Descriptor[],
): Promise<StoredImage> {
  const config = describe(ociConfigType, await store.put(Buffer.from(JSON.stringify(image))));
  const manifest = makeManifest(config, layers);
  await store.put(manifest.bytes);
  return { manifest: manifest.descriptor, config };
}
