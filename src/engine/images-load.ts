/**
 * Images from archives: `docker load` and `docker import`; and to archives: `docker save`.
 * @module
 */
import { Readable } from "node:stream";
import {
  checkTaggable,
  familiarReference,
  importRootfs,
  openRemoteArchive,
  parseImageQuery,
  parseReference,
  readImageArchive,
  withDefaultTag,
  withTag,
  writeImageArchive,
  type LoadedImage,
  type Reference,
} from "../image/mod.ts";
import { failure } from "../errors/mod.ts";
import { isOfPlatform, parsePlatform, shortDigest, type Platform } from "../image/registry/mod.ts";
import type { Progress } from "./engine.ts";
import { publishImage, type ImageContext } from "./images-context.ts";
import { reporting, type Emit } from "./images-progress.ts";
import { readImage } from "./images-read.ts";
import type { ImageRecord } from "./images-table.ts";
import { layerJob, unpackLayer } from "./images-unpack.ts";
import { formatTime, now } from "./time.ts";

/** What `docker import` says of the image that it makes. */
export interface ImportRequest {
  readonly repository?: string;
  readonly tag?: string;
  readonly message?: string;
  readonly changes: readonly string[];
  readonly platform?: string;
}

const nothing: Emit = () => undefined;
/** Told at most so often of one layer, in milliseconds. */
const interval = 100;

/** Loads the images of an archive, and reports each layer unless `quiet`, and each image. */
export async function* loadImages(
  context: ImageContext,
  source: Readable,
  options: { readonly quiet: boolean; readonly platform?: string },
): AsyncGenerator<Progress, void, void> {
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const platform = wanted === undefined ? {} : { platform: wanted };
  yield* reporting(async (emit, signal) => {
    await context.collector.holding(async () => {
      const images = await readImageArchive(aborting(source, signal), context.content, platform);
      const report = options.quiet ? nothing : emit;
      for (const loaded of images) await loadImage(context, loaded, { emit, report, signal, ...platform });
    });
  });
}

/** The archive, until `signal` fires: nobody waits for what a client that is gone still had to send. */
async function* aborting(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}

async function loadImage(
  context: ImageContext,
  { manifest, tags }: LoadedImage,
  how: {
    readonly emit: Emit;
    readonly report: Emit;
    readonly signal: AbortSignal;
    readonly platform?: Platform;
  },
): Promise<void> {
  const { emit, platform } = how;
  const image = await readImage(context.content, manifest);
  // Nobody asked for it: like dockerd, nothing is said.
  if (platform !== undefined && !isOfPlatform(image.config, platform)) return;
  await unpackAll(context, image, how);
  const renamed = await context.store.change((table) => {
    table.add(image);
    return tags.map((tag) => table.name(image.id, tag));
  });
  for (const [index, tag] of tags.entries()) {
    const name = familiarReference(tag);
    const before = renamed[index];
    if (before !== undefined)
      emit({
        stream: `The image ${name} already exists, renaming the old one with ID ${before.id} to empty string\n`,
      });
    emit({ stream: `Loaded image: ${name}\n` });
  }
  if (tags.length === 0) emit({ stream: `Loaded image ID: ${image.id}\n` });
  publishImage(context, "load", image);
}

async function unpackAll(
  { content, storage }: ImageContext,
  image: ImageRecord,
  { report, signal }: { readonly report: Emit; readonly signal: AbortSignal },
): Promise<void> {
  for (const [index, blob] of image.layers.entries()) {
    const job = layerJob(blob, index, image);
    const tell = progressOf(report, "Loading layer", blob.size, shortDigest(job.diffId));
    await unpackLayer(content, storage, { ...job, signal, onRead: tell });
  }
}

/** Tells how many bytes were read, at most each {@link interval}, and of the last. */
function progressOf(emit: Emit, status: string, total?: number, id?: string): (current: number) => void {
  let last = 0;
  return (current) => {
    const time = performance.now();
    if (current < (total ?? Infinity) && time - last < interval) return;
    last = time;
    emit({
      status,
      progressDetail: { current, ...(total === undefined ? {} : { total }) },
      ...(id === undefined ? {} : { id }),
    });
  };
}

/** Makes an image of a root file system, which is here or at a URL, and reports its ID. */
export async function* importImage(
  context: ImageContext,
  source: Readable | string,
  request: ImportRequest,
): AsyncGenerator<Progress, void, void> {
  const { changes, message } = request;
  const name = importedName(request);
  const platform = request.platform === undefined ? {} : { platform: parsePlatform(request.platform) };
  if (platform.platform !== undefined && platform.platform.os !== "linux")
    throw failure("invalid-parameter", { message: "operating system is not supported" });
  yield* reporting(async (emit, signal) => {
    await context.collector.holding(async () => {
      const comment = typeof source === "string" ? { message: `Imported from ${source}` } : {};
      const options = { changes, ...platform, ...comment, ...(message === undefined ? {} : { message }) };
      const archive = typeof source === "string" ? await downloading(source, emit, signal) : source;
      const { manifest } = await importRootfs(aborting(archive, signal), context.content, options);
      const image = await readImage(context.content, manifest);
      await unpackAll(context, image, { report: nothing, signal });
      await context.store.change((table) => {
        table.add(image);
        if (name === undefined) return;
        table.name(image.id, name);
        table.touch(image.id, formatTime(now()));
      });
      if (name !== undefined) publishImage(context, "tag", image, { name: familiarReference(name) });
      publishImage(context, "import", image);
      emit({ status: image.id });
    });
  });
}

/** What is at a URL, with a word about how far it is. */
async function downloading(
  source: string,
  emit: Emit,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { url, size, stream } = await openRemoteArchive(source, signal);
  emit({ status: `Downloading from ${url}` });
  return (async function* told() {
    const tell = progressOf(emit, "Importing", size);
    let current = 0;
    for await (const chunk of stream) {
      yield chunk;
      current += chunk.length;
      tell(current);
    }
  })();
}

function importedName({ repository, tag }: ImportRequest): Reference | undefined {
  return repository === undefined ? undefined : newName(repository, tag);
}

/** The name that a client gives an image: a repository with a tag of its own or another, else `latest`. */
export function newName(repository: string, tag: string | undefined): Reference {
  const reference = parseReference(repository);
  if (reference.digest !== undefined)
    throw failure("invalid-parameter", { message: "cannot import digest reference" });
  const name = tag === undefined || tag === "" ? withDefaultTag(reference) : withTag(reference, tag);
  checkTaggable(name);
  return name;
}

/** An archive of images. Throws `no-such-image` before anything is read. */
export async function saveImages(context: ImageContext, names: readonly string[]): Promise<Readable> {
  const release = await context.collector.hold();
  try {
    const saved = findSaved(context, names);
    const images = [...saved].map(([{ manifest }, tags]) => ({ manifest, tags: [...tags.values()] }));
    const stream = Readable.from(writeImageArchive(context.content, images), { objectMode: false });
    stream.once("close", release);
    for (const image of saved.keys()) publishImage(context, "save", image);
    return stream;
  } catch (error) {
    release();
    throw error;
  }
}

/** The images with those of their names that are saved. */
function findSaved(
  context: ImageContext,
  names: readonly string[],
): Map<ImageRecord, Map<string, Reference>> {
  const saved = new Map<ImageRecord, Map<string, Reference>>();
  for (const name of names)
    for (const [image, tags] of imagesOf(context, name)) {
      const known = saved.get(image) ?? new Map<string, Reference>();
      for (const tag of tags) known.set(familiarReference(tag), tag);
      saved.set(image, known);
    }
  return saved;
}

/** What saving `name` means: one tag, every tag of a repository, or an image without any. */
function imagesOf({ store: { table } }: ImageContext, name: string): [ImageRecord, Reference[]][] {
  const query = parseImageQuery(name);
  const { reference } = query;
  if (reference?.tag === undefined && reference?.digest === undefined && reference !== undefined) {
    const found = [...table.all()].flatMap((image): [ImageRecord, Reference[]][] => {
      const tags = image.tags.filter((tag) => isIn(tag, reference));
      return tags.length === 0 ? [] : [[image, tags]];
    });
    if (found.length > 0) return found;
  }
  const image = table.find(query);
  if (image === undefined)
    // Without a tag that nobody asked for, as Docker has it here alone.
    throw failure("no-such-image", {
      reference: reference === undefined ? `sha256:${query.idPrefix ?? ""}` : familiarReference(reference),
    });
  const named =
    reference?.tag !== undefined && reference.digest === undefined && table.named(reference) === image;
  return [[image, named ? [reference] : []]];
}

function isIn(tag: Reference, { registry, repository }: Reference): boolean {
  return tag.registry === registry && tag.repository === repository;
}
