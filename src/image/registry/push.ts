/**
 * Pushes one image: its blobs in parallel, then its manifest under a name. Tells what happens in Docker's vocabulary.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Limits } from "./answer.ts";
import { endpointsOf } from "./endpoint.ts";
import { isNoAnswer, isTransient } from "./failures.ts";
import type { Limiter } from "./limiter.ts";
import { isForeign } from "./manifest.ts";
import { pushRefusalOf } from "./refusal.ts";
import { retrying, type RetryPolicy } from "./retry.ts";
import { openSession, type Session } from "./session.ts";
import { Transport } from "./transport.ts";
import type { Credentials, Descriptor, RegistryConfig, RegistryReference } from "./types.ts";
import { uploadBlob } from "./upload.ts";

/** The states of a layer on its way out, in Docker's words. */
export type PushStatus =
  | "Preparing"
  | "Waiting"
  | "Pushing"
  | "Retrying"
  | "Layer already exists"
  | "Mounted"
  | "Pushed"
  | "Skipped foreign layer";

/** What happens to the layer at `index`. */
export interface PushEvent {
  readonly index: number;
  readonly status: PushStatus;
  /** Bytes, with `Pushing`. */
  readonly current?: number;
  readonly total?: number;
  /** With `Mounted`: the repository that has it. */
  readonly from?: string;
  /** With `Retrying`. */
  readonly seconds?: number;
}

/** What is pushed. */
export interface PushImage {
  /** The very bytes, which the digest is of. */
  readonly manifest: { readonly descriptor: Descriptor; readonly bytes: Uint8Array };
  readonly config: Descriptor;
  /** From the lowest to the uppermost. */
  readonly layers: readonly Descriptor[];
}

/** How, and whom to tell. */
export interface PushOptions {
  /** Repositories of the same registry that may have a blob. */
  readonly sources: (digest: string) => readonly string[];
  readonly open: (digest: string, offset: number) => AsyncIterable<Uint8Array>;
  readonly retry: RetryPolicy;
  /** Shared by all pushes. */
  readonly limiter: Limiter;
  readonly signal?: AbortSignal;
  readonly onProgress: (event: PushEvent) => void;
}

/** Where to, and as whom. */
export interface RegistryTarget {
  readonly reference: RegistryReference;
  readonly config: RegistryConfig;
  readonly auth?: Credentials;
  readonly retry: RetryPolicy;
  readonly limits?: Limits;
  readonly signal?: AbortSignal;
}

const progressInterval = 100;

/** Finds the registry, never a mirror: by https, or http where that is allowed and https gets no answer. */
export async function openRegistry(target: RegistryTarget): Promise<Session> {
  const { reference, config, auth, retry, signal } = target;
  const transport = new Transport(config, target.limits);
  let last: unknown;
  for (const endpoint of endpointsOf(reference.registry, { ...config, mirrors: [] }, transport.trust)) {
    try {
      return await retrying(
        retry,
        signal,
        () => openSession(transport, endpoint, reference, auth, signal),
        (error) => isTransient(error) && !isNoAnswer(error),
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (!isNoAnswer(error)) throw error;
      last = error;
    }
  }
  throw last;
}

/** Pushes `image` under `tag`. When it resolves the registry has it whole. */
export async function pushImage(
  session: Session,
  tag: string,
  image: PushImage,
  options: PushOptions,
): Promise<void> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const within = { ...options, signal };
  // As Docker lists them: the uppermost first.
  const indexes = image.layers.map((_, index) => index).toReversed();
  for (const index of indexes) options.onProgress({ index, status: "Preparing" });
  // The same blob may be several layers: it is sent once.
  const sent = new Map<string, Promise<void>>();
  let failed: { readonly error: unknown } | undefined;
  const tasks = indexes.map(async (index) => {
    const descriptor = image.layers[index];
    if (descriptor === undefined) return;
    const before = sent.get(descriptor.digest);
    const task = before === undefined ? pushLayer(session, descriptor, index, within) : before;
    if (before === undefined) sent.set(descriptor.digest, task);
    await task;
    if (before !== undefined) options.onProgress({ index, status: "Layer already exists" });
  });
  const config = options.limiter.run(async () => void (await sendBlob(session, image.config, within)));
  await Promise.all(
    [...tasks, config].map(async (task) =>
      task.catch((error: unknown) => {
        failed ??= { error };
        stop.abort(error);
      }),
    ),
  );
  if (failed !== undefined) throw (failed as { readonly error: unknown }).error;
  await retrying(options.retry, options.signal, () => putManifest(session, tag, image, options.signal));
}

async function pushLayer(
  session: Session,
  descriptor: Descriptor,
  index: number,
  options: PushOptions,
): Promise<void> {
  const { limiter, onProgress } = options;
  // What others may have it from isn't the registry's to have.
  if (isForeign(descriptor)) return onProgress({ index, status: "Skipped foreign layer" });
  if (limiter.busy) onProgress({ index, status: "Waiting" });
  const outcome = await limiter.run(async () => {
    options.signal?.throwIfAborted();
    let last = 0;
    return await sendBlob(session, descriptor, options, {
      onProgress: (current) => {
        const now = performance.now();
        if (current < descriptor.size && now - last < progressInterval) return;
        last = now;
        onProgress({ index, status: "Pushing", current, total: descriptor.size });
      },
      onRetry: (ms) => onProgress({ index, status: "Retrying", seconds: Math.max(1, Math.ceil(ms / 1000)) }),
    });
  });
  if (outcome.kind === "present") onProgress({ index, status: "Layer already exists" });
  else if (outcome.kind === "mounted") onProgress({ index, status: "Mounted", from: outcome.from });
  else onProgress({ index, status: "Pushed" });
}

async function sendBlob(
  session: Session,
  descriptor: Descriptor,
  { sources, open, retry, signal }: PushOptions,
  told: { onProgress?: (current: number) => void; onRetry?: (ms: number) => void } = {},
): ReturnType<typeof uploadBlob> {
  const { digest } = descriptor;
  return await uploadBlob({
    session,
    descriptor,
    sources: sources(digest),
    open: (offset) => open(digest, offset),
    retry,
    ...(signal === undefined ? {} : { signal }),
    ...told,
  });
}

async function putManifest(
  session: Session,
  tag: string,
  { manifest: { descriptor, bytes } }: PushImage,
  signal: AbortSignal | undefined,
): Promise<void> {
  const answer = await session.send({
    method: "PUT",
    path: `manifests/${tag}`,
    actions: "pull,push",
    headers: { "content-type": descriptor.mediaType },
    body: bytes,
    signal,
  });
  if (answer.status !== 201) throw await pushRefusalOf(answer);
  const stored = answer.headers.get("docker-content-digest");
  await answer.discard();
  if (stored !== null && stored !== descriptor.digest)
    throw failure("bad-manifest", {
      reference: tag,
      reason: `the registry stored ${stored} in the place of ${descriptor.digest}`,
    });
}
