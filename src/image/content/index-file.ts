/**
 * `index.json` of an image layout: an OCI image index whose entries are what the layout holds.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { isDigest } from "../registry/manifest.ts";
import type { Descriptor } from "../registry/types.ts";

/** Media type of an OCI image index. */
export const ociIndexType: string = "application/vnd.oci.image.index.v1+json";

/** The text of `index.json` with these entries. */
export function formatIndex(manifests: readonly Descriptor[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: ociIndexType, manifests });
}

/** The entries of an `index.json`. Throws `bad-archive` if it isn't one; `what` names it. */
export function parseIndexEntries(bytes: Uint8Array, what: string): Descriptor[] {
  const entries = manifestsOf(parse(bytes, what));
  if (entries?.every(isDescriptor) !== true)
    throw failure("bad-archive", { what, reason: "it is not an OCI image index" });
  return entries;
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw failure("bad-archive", { what, reason: "it is not JSON" }, error);
  }
}

function manifestsOf(document: unknown): unknown[] | undefined {
  if (typeof document !== "object" || document === null || "layers" in document) return undefined;
  return "manifests" in document && Array.isArray(document.manifests) ? document.manifests : undefined;
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== "object" || value === null) return false;
  const { mediaType, digest, size, annotations } = value as Record<string, unknown>;
  return (
    typeof mediaType === "string" &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    (annotations === undefined || (typeof annotations === "object" && annotations !== null))
  );
}
