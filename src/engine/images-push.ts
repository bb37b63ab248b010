/**
 * Pushes images: under one tag, or all of a repository's. What is stored plain is compressed first, once.
 * @module
 */
import {
  compressLayers,
  familiarName,
  familiarReference,
  isPlainLayer,
  parseReference,
  withTag,
  type Reference,
} from "../image/mod.ts";
import {
  defaultRetry,
  openRegistry,
  parseManifest,
  pushImage,
  shortDigest,
  type PushEvent,
} from "../image/registry/mod.ts";
import { failure } from "../errors/mod.ts";
import type { Progress, RegistryAuth } from "./engine.ts";
import { publishImage, type ImageContext } from "./images-context.ts";
import { reporting, type Emit } from "./images-progress.ts";
import type { ImageRecord } from "./images-table.ts";

/** How an image is pushed. */
export interface PushRequest {
  /** Undefined: all tags of the repository. */
  readonly tag?: string;
  readonly auth?: RegistryAuth;
  readonly signal: AbortSignal;
}

/** Bytes of a manifest. */
const documentLimit = 8 * 1024 * 1024;

/** Pushes and reports in Docker's words. Only what is wrong with the name is told before the first report. */
export async function* pushImages(
  context: ImageContext,
  text: string,
  { tag, auth, signal }: PushRequest,
): AsyncGenerator<Progress, void, void> {
  const given = parseReference(text);
  if (given.digest !== undefined)
    throw failure("invalid-parameter", { message: "cannot push a digest reference" });
  const wanted = tag === undefined || tag === "" ? given : withTag(given, tag);
  yield* reporting(async (emit, stop) => {
    await context.collector.holding(async () => {
      emit({ status: `The push refers to repository [${wanted.registry}/${wanted.repository}]` });
      const names = tagsOf(context, wanted);
      if (names.length === 0)
        throw failure("not-found", {
          message:
            wanted.tag === undefined || tagsOf(context, { ...wanted, tag: undefined }).length === 0
              ? `An image does not exist locally with the tag: ${familiarName(wanted)}`
              : `tag does not exist: ${familiarReference(wanted)}`,
        });
      for (const { reference, image } of names)
        await pushOne(context, reference, image, { auth, emit, signal: stop });
    });
  }, signal);
}

interface Named {
  readonly reference: Reference;
  readonly image: ImageRecord;
}

/** The tag that is meant, or all of the repository. */
function tagsOf({ store }: ImageContext, wanted: Reference): Named[] {
  const found: Named[] = [];
  for (const image of store.table.all()) {
    for (const reference of image.tags) {
      const { registry, repository, tag } = reference;
      if (registry !== wanted.registry || repository !== wanted.repository) continue;
      if (wanted.tag === undefined || wanted.tag === tag) found.push({ reference, image });
    }
  }
  return found;
}

async function pushOne(
  context: ImageContext,
  reference: Reference,
  stored: ImageRecord,
  how: { readonly auth: RegistryAuth | undefined; readonly emit: Emit; readonly signal: AbortSignal },
): Promise<void> {
  const { content, options, uploads } = context;
  const { auth, emit, signal } = how;
  const retry = { ...defaultRetry, attempts: options.attempts?.() ?? defaultRetry.attempts };
  const config = options.registry();
  const session = await openRegistry({
    reference,
    config,
    retry,
    signal,
    ...(auth === undefined ? {} : { auth }),
  });
  const image = await compressed(context, stored, signal);
  const { mediaType, digest, size } = image.manifest;
  const bytes = await content.bytes(digest, documentLimit);
  const document = parseManifest(digest, mediaType, bytes);
  if (document.kind !== "manifest")
    throw failure("bad-manifest", { reference: digest, reason: "it is an index" });
  const tag = reference.tag ?? "latest";
  const diffIds = image.config.rootfs.diff_ids;
  await pushImage(
    session,
    tag,
    {
      manifest: { descriptor: { mediaType, digest, size }, bytes },
      config: document.config,
      layers: document.layers,
    },
    {
      sources: (blob) => sourcesOf(context, reference, blob),
      open: (blob, offset) => content.reader(blob, { offset }),
      retry,
      limiter: uploads,
      signal,
      onProgress: (event) => emit(progressOf(event, shortDigest(diffIds[event.index] ?? ""))),
    },
  );
  const { registry, repository } = reference;
  await context.store.change((table) => {
    if (table.get(image.id) !== undefined) table.name(image.id, { registry, repository, digest });
  });
  emit({ status: `${tag}: digest: ${digest} size: ${size}` });
  emit({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
  publishImage(context, "push", image, {
    id: familiarReference(reference),
    name: familiarName(reference),
  });
}

/** The image with all of its layers compressed, which it is from now on: another push has the same digests. */
async function compressed(
  context: ImageContext,
  image: ImageRecord,
  signal: AbortSignal,
): Promise<ImageRecord> {
  if (!image.layers.some(isPlainLayer)) return image;
  const { content, store, collector } = context;
  const { mediaType, digest } = image.manifest;
  const document = parseManifest(digest, mediaType, await content.bytes(digest, documentLimit));
  if (document.kind !== "manifest") return image;
  const { manifest, layers } = await compressLayers(content, document.config, image.layers, signal);
  const changed = await store.change((table) => {
    table.store(image.id, manifest, layers);
    return table.get(image.id);
  });
  // The plain ones go once nobody works with them.
  void collector.collect([image]);
  return changed ?? { ...image, manifest, layers };
}

/** Repositories of the same registry whose images have the blob too. */
function sourcesOf({ store }: ImageContext, target: Reference, blob: string): string[] {
  const found = new Set<string>();
  for (const { layers, digests } of store.table.all()) {
    if (!layers.some(({ digest }) => digest === blob)) continue;
    for (const { registry, repository } of digests)
      if (registry === target.registry && repository !== target.repository) found.add(repository);
  }
  return [...found];
}

function progressOf({ status, current, total, from, seconds }: PushEvent, id: string): Progress {
  const progressDetail = current === undefined ? {} : { current, total };
  const text =
    status === "Mounted"
      ? `Mounted from ${from ?? ""}`
      : status === "Retrying"
        ? `Retrying in ${seconds ?? 0} ${seconds === 1 ? "second" : "seconds"}`
        : status;
  return { status: text, progressDetail, id };
}
