/**
 * From a reference to the one image that is meant: finds an endpoint that has it, reads the manifest, and goes through
 * an index to the platform's entry.
 * @module
 */
import { createHash } from "node:crypto";
import { failure } from "../../errors/mod.ts";
import { endpointsOf } from "./endpoint.ts";
import { isNoAnswer, isTransient } from "./failures.ts";
import { isDigest, parseManifest, type ImageIndex, type ImageManifest } from "./manifest.ts";
import { selectManifest } from "./platform.ts";
import { familiarReference } from "../reference.ts";
import { retrying, type RetryPolicy } from "./retry.ts";
import { openSession, type Session } from "./session.ts";
import type { Transport } from "./transport.ts";
import type { Credentials, Descriptor, Platform, RegistryConfig, RegistryReference } from "./types.ts";

/** A manifest or index with the very bytes that its digest is of. */
export interface StoredManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What a reference stands for on one platform. */
export interface ResolvedImage {
  readonly reference: RegistryReference;
  /** Present if the reference names an index. */
  readonly index?: StoredManifest;
  readonly manifest: StoredManifest;
  readonly config: Descriptor;
  /** From the lowest to the uppermost; the same digest may occur more than once. */
  readonly layers: readonly Descriptor[];
}

/** What {@link resolveImage} needs. */
export interface Resolution {
  readonly transport: Transport;
  readonly config: RegistryConfig;
  readonly reference: RegistryReference;
  readonly platform: Platform;
  readonly auth?: Credentials;
  readonly retry: RetryPolicy;
  readonly signal?: AbortSignal;
}

/** The digest of what the reference itself names, which is what `docker pull` prints. */
export function rootDigest({ index, manifest }: ResolvedImage): string {
  return (index ?? manifest).descriptor.digest;
}

/**
 * Resolves the reference at the first endpoint that has it: a mirror that fails in any way is passed over; plain http is
 * tried only if https got no answer. Fails with the last endpoint's error.
 */
export async function resolveImage(wanted: Resolution): Promise<{ session: Session; image: ResolvedImage }> {
  const { transport, config, reference, auth, signal } = wanted;
  let last: unknown;
  for (const endpoint of endpointsOf(reference.registry, config, transport.trust)) {
    const retry = endpoint.mirror ? { ...wanted.retry, attempts: 1 } : wanted.retry;
    let opened = false;
    try {
      const session = await retrying(
        retry,
        signal,
        () => openSession(transport, endpoint, reference, auth, signal),
        // Where nobody listens, waiting helps no one: the user wants to know now.
        (error) => isTransient(error) && !isNoAnswer(error),
      );
      opened = true;
      return { session, image: await resolveAt(session, { ...wanted, retry }) };
    } catch (error) {
      signal?.throwIfAborted();
      if (!endpoint.mirror && (opened || !isNoAnswer(error))) throw error;
      last = error;
    }
  }
  throw last;
}

async function resolveAt(session: Session, wanted: Resolution): Promise<ResolvedImage> {
  const { reference, platform } = wanted;
  const { stored, parsed } = await fetchManifest(
    session,
    wanted,
    reference.digest ?? reference.tag ?? "latest",
  );
  if (parsed.kind === "manifest") return imageOf(reference, stored, parsed);
  const entry = selectManifest(parsed.manifests, platform);
  const child = await fetchManifest(session, wanted, entry.digest, entry);
  if (child.parsed.kind === "index")
    throw failure("bad-manifest", {
      reference: familiarReference(reference),
      reason: "its index leads to an index",
    });
  return { ...imageOf(reference, child.stored, child.parsed), index: stored };
}

function imageOf(
  reference: RegistryReference,
  manifest: StoredManifest,
  parsed: ImageManifest,
): ResolvedImage {
  return { reference, manifest, config: parsed.config, layers: parsed.layers };
}

/** Reads a manifest and checks it against the digest that it was asked by and the descriptor that led to it. */
async function fetchManifest(
  session: Session,
  { reference, retry, signal }: Resolution,
  name: string,
  entry?: Descriptor,
): Promise<{ stored: StoredManifest; parsed: ImageManifest | ImageIndex }> {
  const { bytes, contentType } = await retrying(retry, signal, () => session.manifest(name, signal));
  const familiar = familiarReference(reference);
  const digest = digestLike(isDigest(name) ? name : "sha256:", bytes);
  if (isDigest(name) && digest !== name)
    throw failure("digest-mismatch", { what: `manifest for ${familiar}`, expected: name, actual: digest });
  const parsed = parseManifest(familiar, contentType, bytes);
  if (entry !== undefined && (bytes.length !== entry.size || parsed.mediaType !== entry.mediaType))
    throw failure("bad-manifest", {
      reference: familiar,
      reason: `${digest} is ${parsed.mediaType} of ${bytes.length} bytes, the index says ${entry.mediaType} of ${entry.size}`,
    });
  const { mediaType } = parsed;
  return {
    stored: { descriptor: { ...entry, mediaType, digest, size: bytes.length }, bytes },
    parsed,
  };
}

/** The digest of `bytes` in the algorithm of the digest `pattern`. */
function digestLike(pattern: string, bytes: Uint8Array): string {
  const algorithm = pattern.slice(0, pattern.indexOf(":"));
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
