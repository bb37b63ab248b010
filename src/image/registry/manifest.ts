/**
 * Manifests and indexes: media types, and a parser that takes nothing on trust (OCI image spec, "Image Manifest" and
 * "Image Index"; Docker's schema 2). An ambiguous document is refused: CVE-2021-41190.
 * @module
 */
import { failure, type CaissonError } from "../../errors/mod.ts";
import type { Descriptor, Platform } from "./types.ts";

/** Manifests larger than this are refused, as by distribution and containerd. Bytes. */
export const manifestLimit: number = 4 * 1024 * 1024;
/** Configurations larger than this are refused. Bytes. */
export const configLimit: number = 8 * 1024 * 1024;
const entriesLimit = 4096;

const manifestTypes: ReadonlySet<string> = new Set([
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
]);
const indexTypes: ReadonlySet<string> = new Set([
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.index.v1+json",
]);
const configTypes: ReadonlySet<string> = new Set([
  "application/vnd.docker.container.image.v1+json",
  "application/vnd.oci.image.config.v1+json",
  // Docker before 1.10 and some builders.
  "application/octet-stream",
]);
const layerType =
  /^application\/vnd\.(?:docker\.image\.rootfs\.(?:diff|foreign\.diff)\.tar(?:\.gzip|\.zstd)?|oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?)$/;
/** What servers say that do not know: the document's own `mediaType` decides then. */
const vagueTypes: ReadonlySet<string> = new Set(["", "application/json", "application/octet-stream"]);
const digestForm = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** The value of `Accept` for manifests, everything that {@link parseManifest} takes. */
export const acceptManifests: string = [...manifestTypes, ...indexTypes].join(", ");

/** An image's manifest. */
export interface ImageManifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  /** From the lowest to the uppermost. */
  readonly layers: readonly Descriptor[];
}

/** An index (Docker: manifest list). */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  /** The entries that are image manifests; others (nested indexes, unknown types) are left out. */
  readonly manifests: readonly Descriptor[];
}

/** Whether `text` is a digest in an algorithm that we check. Nothing else may ever become part of a path or a URL. */
export function isDigest(text: unknown): text is string {
  return typeof text === "string" && digestForm.test(text);
}

/** Whether a layer may have to be fetched from elsewhere than the registry (Docker: foreign layer). */
export function isForeign({ mediaType }: Descriptor): boolean {
  return /foreign|nondistributable/.test(mediaType);
}

/**
 * Parses what a registry answered for `reference` with the header `contentType`. Fails with `bad-manifest` for what
 * is not exactly one of an image manifest and an index, contradicts its header, or has a descriptor that is malformed.
 */
export function parseManifest(
  reference: string,
  contentType: string | null,
  bytes: Uint8Array,
): ImageManifest | ImageIndex {
  const bad = (reason: string): CaissonError => failure("bad-manifest", { reference, reason });
  const document = parseObject(bytes, bad);
  const header = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const own = document["mediaType"];
  if (own !== undefined && typeof own !== "string") throw bad("mediaType is not a string");
  if ("fsLayers" in document || document["schemaVersion"] === 1)
    throw bad("image manifest version 2, schema 1 is not supported");
  if ("layers" in document && "manifests" in document) throw bad("it has both layers and manifests");
  if (!vagueTypes.has(header) && own !== undefined && own !== header)
    throw bad(`it says that it is ${quote(own)}, but was sent as ${quote(header)}`);
  const implied = "manifests" in document ? ociIndex : ociManifest;
  const mediaType = vagueTypes.has(header) ? (own ?? implied) : header;
  if (indexTypes.has(mediaType)) {
    if ("config" in document || "layers" in document) throw bad("an index has neither config nor layers");
    const entries = descriptors(document["manifests"], "manifests", bad);
    return { kind: "index", mediaType, manifests: entries.filter((e) => manifestTypes.has(e.mediaType)) };
  }
  if (!manifestTypes.has(mediaType)) throw bad(`the media type ${quote(mediaType)} is not supported`);
  if ("manifests" in document) throw bad("a manifest has no manifests");
  return imageManifest(document, mediaType, bad);
}

const ociIndex = "application/vnd.oci.image.index.v1+json";
const ociManifest = "application/vnd.oci.image.manifest.v1+json";

type Document = Readonly<Record<string, unknown>>;
type Bad = (reason: string) => CaissonError;

function imageManifest(document: Document, mediaType: string, bad: Bad): ImageManifest {
  const config = descriptor(document["config"], "config", bad);
  if (!configTypes.has(config.mediaType))
    throw bad(`it is not an image: its config is ${quote(config.mediaType)}`);
  if (config.size > configLimit) throw bad(`its config has ${config.size} bytes`);
  const layers = descriptors(document["layers"], "layers", bad);
  const unknown = layers.find((layer) => !layerType.test(layer.mediaType));
  if (unknown !== undefined) throw bad(`the layer type ${quote(unknown.mediaType)} is not supported`);
  return { kind: "manifest", mediaType, config, layers };
}

function parseObject(bytes: Uint8Array, bad: Bad): Document {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isObject(value)) return value;
  } catch {
    throw bad("it is not JSON");
  }
  throw bad("it is not a JSON object");
}

function descriptors(value: unknown, name: string, bad: Bad): Descriptor[] {
  if (!Array.isArray(value)) throw bad(`${name} is not a list`);
  if (value.length > entriesLimit) throw bad(`${name} has ${value.length} entries`);
  return value.map((entry: unknown, index) => descriptor(entry, `${name}[${index}]`, bad));
}

function descriptor(value: unknown, name: string, bad: Bad): Descriptor {
  if (!isObject(value)) throw bad(`${name} is not an object`);
  const { mediaType, digest, size, urls } = value;
  if (typeof mediaType !== "string") throw bad(`${name} has no media type`);
  if (!isDigest(digest)) throw bad(`${name} has the digest ${quote(digest)}`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw bad(`${name} has the size ${quote(size)}`);
  return {
    mediaType,
    digest,
    size,
    platform: platform(value["platform"]),
    annotations: annotations(value["annotations"]),
    urls: Array.isArray(urls) ? urls.filter((url): url is string => typeof url === "string") : undefined,
  };
}

function platform(value: unknown): Platform | undefined {
  if (!isObject(value)) return undefined;
  const { os, architecture, variant, "os.version": osVersion } = value;
  if (typeof os !== "string" || typeof architecture !== "string" || os === "") return undefined;
  return {
    os,
    architecture,
    variant: typeof variant === "string" && variant !== "" ? variant : undefined,
    osVersion: typeof osVersion === "string" ? osVersion : undefined,
  };
}

function annotations(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of a stranger in a message: quoted, without control characters, not longer than a line. */
function quote(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 120);
}
