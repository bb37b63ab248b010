/**
 * Reads images' documents from the content store.
 * @module
 */
import {
  chainIds,
  parseImageConfig,
  type ContentStore,
  type Descriptor,
  type ImageConfig,
} from "../image/mod.ts";
import { parseManifest } from "../image/registry/mod.ts";
import { failure } from "../errors/mod.ts";
import type { ImageRecord } from "./images-table.ts";

/** Bytes of a manifest or a configuration. */
const documentLimit = 8 * 1024 * 1024;

/** What an image's configuration says. */
export type ImageContent = Pick<ImageRecord, "config" | "chain">;

/**
 * Reads an image without names. Throws `not-found` if its documents aren't there, and `bad-manifest`, `bad-archive` or
 * `invalid-parameter` if they are no image for this engine.
 */
export async function readImage(content: ContentStore, manifest: Descriptor): Promise<ImageRecord> {
  const { digest, mediaType } = manifest;
  const document = parseManifest(digest, mediaType, await content.bytes(digest, documentLimit));
  if (document.kind !== "manifest")
    throw failure("bad-manifest", { reference: digest, reason: "it is an index" });
  const { layers } = document;
  const { digest: id } = document.config;
  return {
    id,
    manifest,
    layers,
    tags: [],
    digests: [],
    ...(await readConfig(content, id, digest, layers.length)),
  };
}

/** Reads the configuration `id` of an image of so many layers, whose `manifest` is named in errors. Throws as above. */
export async function readConfig(
  content: ContentStore,
  id: string,
  manifest: string,
  layers: number,
): Promise<ImageContent> {
  const config = parseImageConfig(await content.bytes(id, documentLimit), `image ${id}`);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== layers) {
    const reason = `it has ${layers} layers, its configuration ${diffIds.length}`;
    throw failure("bad-manifest", { reference: manifest, reason });
  }
  if (config.os !== "linux")
    throw failure("invalid-parameter", {
      message: `image operating system ${JSON.stringify(config.os)} cannot be used on this platform`,
    });
  return { config, chain: chainIds(diffIds) };
}

/** What the configuration has besides, as it stands there: the version of Docker that made it. */
export async function readDockerVersion(content: ContentStore, id: string): Promise<string> {
  const text = Buffer.from(await content.bytes(id, documentLimit)).toString();
  const { docker_version: version } = JSON.parse(text) as ImageConfig & { readonly docker_version?: unknown };
  return typeof version === "string" ? version : "";
}
