/**
 * Pulls one image: resolves the reference, downloads configuration and layers in parallel into the sink, and tells what
 * happens in Docker's vocabulary. Unpacking is the caller's, layer by layer while others still arrive.
 * @module
 */
import type { Limits } from "./answer.ts";
import { downloadBlob } from "./download.ts";
import { Limiter } from "./limiter.ts";
import { LayerProgress } from "./progress.ts";
import { familiarReference, withDefaultTag } from "../reference.ts";
import { resolveImage, rootDigest, type ResolvedImage, type StoredManifest } from "./resolve.ts";
import { defaultRetry, type RetryPolicy } from "./retry.ts";
import type { Session } from "./session.ts";
import { Transport } from "./transport.ts";
import type {
  ContentSink,
  Credentials,
  Descriptor,
  Platform,
  PullEvent,
  RegistryConfig,
  RegistryReference,
} from "./types.ts";

/** What the caller has of an image already. */
export interface LocalState {
  /** The image is there, unpacked: nothing is downloaded. */
  readonly present: boolean;
  /** The reference already means this image, so that it is "up to date". */
  readonly tagged: boolean;
}

/** What to pull, from where, and whom to tell. */
export interface PullOptions {
  readonly reference: RegistryReference;
  readonly platform: Platform;
  readonly sink: ContentSink;
  readonly auth?: Credentials;
  readonly config?: RegistryConfig;
  readonly signal?: AbortSignal;
  /** Layers downloaded at once by this pull; 3 as Docker. */
  readonly concurrency?: number;
  /** Shared with other pulls; replaces `concurrency`. */
  readonly limiter?: Limiter;
  readonly retry?: RetryPolicy;
  readonly limits?: Limits;
  /** Called with each event. The first comes only when the image is resolved: an error before has a status of its own. */
  readonly onProgress?: (event: PullEvent) => void;
  /** Asked once the image is known, before anything is downloaded. */
  readonly local?: (image: ResolvedImage) => LocalState | Promise<LocalState>;
  /**
   * Called as each layer's blob is complete in the sink, in the order of completion; the configuration is in the sink by
   * then. The pull ends after the returned promises and fails with them.
   */
  readonly onLayer?: (layer: Descriptor, index: number) => void | Promise<void>;
}

/** Pulls the image. When it resolves, all blobs and manifests are in the sink, the manifests last. */
export async function pull(options: PullOptions): Promise<ResolvedImage> {
  const { platform, config = {}, auth, retry = defaultRetry, signal, onProgress } = options;
  const reference = withDefaultTag(options.reference);
  const emit = onProgress ?? ((): void => undefined);
  const transport = new Transport(config, options.limits);
  const { session, image } = await resolveImage({
    transport,
    config,
    reference,
    platform,
    auth,
    retry,
    signal,
  });
  emit({
    kind: "from",
    repository: reference.repository,
    tag: reference.digest ?? reference.tag ?? "",
  });
  const local = (await options.local?.(image)) ?? { present: false, tagged: false };
  if (!local.present) {
    await fetchBlobs(session, image, options, emit);
    for (const stored of [image.manifest, image.index])
      if (stored !== undefined) await putManifest(options.sink, stored);
  }
  emit({ kind: "digest", digest: rootDigest(image) });
  emit({ kind: "status", newer: !local.tagged, reference: familiarReference(reference) });
  return image;
}

type Emit = (event: PullEvent) => void;

/** A layer with every place that it has in the image. */
interface LayerJob {
  readonly descriptor: Descriptor;
  readonly indexes: readonly number[];
  readonly progress: LayerProgress;
}

async function fetchBlobs(
  session: Session,
  image: ResolvedImage,
  options: PullOptions,
  emit: Emit,
): Promise<void> {
  const { sink, retry = defaultRetry, limiter = new Limiter(options.concurrency ?? 3) } = options;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const jobs = layerJobs(image.layers, emit);
  const missing = new Set<LayerJob>();
  for (const job of jobs) {
    const present = await sink.has(job.descriptor.digest);
    if (!present) missing.add(job);
    job.progress.state(present ? "Already exists" : "Pulling fs layer");
  }
  const fetchConfig = async (): Promise<void> => {
    if (await sink.has(image.config.digest)) return;
    await downloadBlob({ session, descriptor: image.config, sink, retry, signal });
  };
  const config = fetchConfig();
  const fetchLayer = async (job: LayerJob): Promise<void> => {
    if (missing.has(job)) {
      if (limiter.busy) job.progress.state("Waiting");
      await limiter.run(() => downloadLayer(job, { session, sink, retry, signal }));
    }
    await config;
    signal.throwIfAborted();
    await Promise.all(job.indexes.map(async (index) => options.onLayer?.(job.descriptor, index)));
  };
  await allOrNone([config, ...jobs.map(fetchLayer)], stop);
}

function layerJobs(layers: readonly Descriptor[], emit: Emit): LayerJob[] {
  const places = new Map<string, number[]>();
  for (const [index, { digest }] of layers.entries()) {
    const known = places.get(digest);
    if (known === undefined) places.set(digest, [index]);
    else known.push(index);
  }
  return [...places.values()].flatMap((indexes) => {
    const descriptor = layers[indexes[0] ?? 0];
    return descriptor === undefined
      ? []
      : [{ descriptor, indexes, progress: new LayerProgress(descriptor, emit) }];
  });
}

async function downloadLayer(
  { descriptor, progress }: LayerJob,
  how: { session: Session; sink: ContentSink; retry: RetryPolicy; signal: AbortSignal },
): Promise<void> {
  how.signal.throwIfAborted();
  await downloadBlob({
    ...how,
    descriptor,
    onProgress: (current) => progress.advance("Downloading", current),
    onRetry: (ms) => progress.retrying(ms),
    onReceived: () => progress.state("Verifying Checksum"),
  });
  progress.state("Download complete");
}

/** Waits for all tasks to end, having stopped them at the first failure, and fails with that. */
async function allOrNone(tasks: readonly Promise<void>[], stop: AbortController): Promise<void> {
  let failed: { readonly error: unknown } | undefined;
  await Promise.all(
    tasks.map((task) =>
      task.catch((error: unknown) => {
        failed ??= { error };
        stop.abort(error);
      }),
    ),
  );
  if (failed !== undefined) throw failed.error;
}

async function putManifest(sink: ContentSink, { descriptor, bytes }: StoredManifest): Promise<void> {
  if (await sink.has(descriptor.digest)) return;
  let writer = await sink.writer(descriptor.digest, descriptor.size);
  if (writer.offset > 0) {
    await writer.abort(false);
    writer = await sink.writer(descriptor.digest, descriptor.size);
  }
  try {
    await writer.write(bytes);
  } catch (error) {
    await writer.abort(false);
    throw error;
  }
  await writer.commit();
}
