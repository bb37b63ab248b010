/**
 * Makes image archives for tests.
 * @module
 */
import { digestOf } from "../digest.ts";
import type { Descriptor } from "../content/store.ts";
import { joined } from "../testing.ts";
import { writeTar, type EntryInput } from "../tar/writer.ts";

/** A tar archive with these files; a text that starts with `->` is a symbolic link. */
export async function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const entries = Object.entries(files).map(([path, content]): EntryInput => {
    if (typeof content === "string" && content.startsWith("->"))
      return { type: "symlink", path, linkPath: content.slice(2) };
    return { type: "file", path, body: Buffer.from(content) };
  });
  return await joined(writeTar(entries));
}

/** A configuration of the layers, which are given uncompressed. */
export function configOf(layers: readonly Uint8Array[], more: object = {}): Buffer {
  const rootfs = { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) };
  return Buffer.from(
    JSON.stringify({ architecture: "amd64", os: "linux", config: { Cmd: ["sh"] }, rootfs, ...more }),
  );
}

/** A blob's path in an OCI layout. */
export function blobPath(bytes: Uint8Array): string {
  return `blobs/${digestOf(bytes).replace(":", "/")}`;
}

/** The descriptor of the bytes. */
export function descriptorOf(mediaType: string, bytes: Uint8Array, more: object = {}): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, ...more };
}

/** An OCI image manifest. */
export function manifestOf(config: Uint8Array, layers: readonly Uint8Array[], suffix = ""): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: descriptorOf("application/vnd.oci.image.config.v1+json", config),
      layers: layers.map((layer) => descriptorOf(`application/vnd.oci.image.layer.v1.tar${suffix}`, layer)),
    }),
  );
}

/** An OCI index of these entries. */
export function indexOf(entries: readonly Descriptor[], more: object = {}): Buffer {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries, ...more }));
}
