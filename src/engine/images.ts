/**
 * The engine's images: an OCI image layout on disk, unpacked layers in the storage driver, and what is done with them.
 * @module
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { familiarReference, openLayout, parseReference, withTag } from "../image/mod.ts";
import {
  formatPlatform,
  isOfPlatform,
  type SearchResult,
  Limiter,
  normalize,
  parsePlatform,
} from "../image/registry/mod.ts";
import { failure, isFailure } from "../errors/mod.ts";
import type { Empty } from "./container-types.ts";
import type { Filters, Images, Json, Progress, RegistryAuth } from "./engine.ts";
import type { ImageResolver, ResolvedImage } from "./image-types.ts";
import { ImageCollector } from "./images-collect.ts";
import { publishImage, type ImageContext, type ImageServiceOptions } from "./images-context.ts";
import { SharedDownloads } from "./images-downloads.ts";
import { commitImage, type NewImage } from "./images-commit.ts";
import { imageHistory, inspectImage } from "./images-inspect.ts";
import { listImages } from "./images-list.ts";
import { importImage, loadImages, newName, saveImages, type ImportRequest } from "./images-load.ts";
import { pullImage, type PullRequest } from "./images-pull.ts";
import { pushImages, type PushRequest } from "./images-push.ts";
import { pruneImages, removeImage } from "./images-remove.ts";
import { describeInRegistry, searchImages, type SearchRequest } from "./images-search.ts";
import { ImageStore } from "./images-store.ts";
import type { ImageRecord } from "./images-table.ts";
import { formatTime, now } from "./time.ts";

export type { ImageServiceOptions, ImageUser } from "./images-context.ts";

const defaultDownloads = 3;
const defaultUploads = 5;

/** Everything about images; made by {@link ImageService.open}. */
export class ImageService implements Images, ImageResolver {
  readonly #context: ImageContext;
  readonly #resolved = new WeakMap<ImageRecord, ResolvedImage>();

  private constructor(context: ImageContext) {
    this.#context = context;
  }

  /** Opens the images below `options.dataRoot`; the folder is made if it is missing. */
  static async open(options: ImageServiceOptions): Promise<ImageService> {
    const { dataRoot, storage, downloads = defaultDownloads, chainsInUse } = options;
    const warn = options.warn ?? ((): void => undefined);
    const folder = join(dataRoot, "images");
    // Users of the host may not read what images hold.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const content = await openLayout(folder);
    const store = await ImageStore.open(content, storage, warn);
    const collector = new ImageCollector({ content, storage, store, chainsInUse, warn });
    return new ImageService({
      options,
      content,
      storage,
      store,
      collector,
      limiter: new Limiter(downloads),
      downloads: new SharedDownloads(content),
      uploads: new Limiter(options.uploads ?? defaultUploads),
    });
  }

  /** So many layers may be downloaded at once by all pulls, from now on. */
  limitDownloads(limit: number): void {
    this.#context.limiter.change(limit);
  }

  /** How many layers are uploaded at once from now on. */
  limitUploads(limit: number): void {
    this.#context.uploads.change(limit);
  }

  /**
   * Removes blobs and layers that a crash left without an image, and unfinished downloads older than a day. For when
   * the containers are known; not urgent.
   */
  async sweep(): Promise<void> {
    await this.#context.collector.sweep();
  }

  resolve(name: string, platform?: string): ResolvedImage {
    const image = this.#context.store.find(name);
    const resolved = this.#resolved.get(image) ?? resolvedOf(image);
    this.#resolved.set(image, resolved);
    if (platform !== undefined && platform !== "") checkPlatform(name, image, platform);
    return resolved;
  }

  /**
   * Keeps an image's layers though the image be removed, until the result is disposed of: for the time between
   * {@link resolve}, in the same tick, and the moment from which `chainsInUse` tells of the container.
   */
  keep({ chain }: ResolvedImage): Disposable {
    return this.#context.collector.keep(chain);
  }

  family(name: string): readonly string[] {
    const { table } = this.#context.store;
    try {
      const { id, chain } = this.#context.store.find(name);
      const descends = (other: ImageRecord): boolean =>
        chain.length > 0 &&
        other.chain.length > chain.length &&
        other.chain[chain.length - 1] === chain.at(-1);
      return [id, ...[...table.all()].filter(descends).map((other) => other.id)];
    } catch (error) {
      if (isFailure(error, "no-such-image") || isFailure(error, "invalid-reference")) return [];
      throw error;
    }
  }

  async list(options: {
    all: boolean;
    digests: boolean;
    sharedSize: boolean;
    filters: Filters;
  }): Promise<Json[]> {
    return await listImages(this.#context, options);
  }

  async inspect(name: string, platform?: string): Promise<Json> {
    this.resolve(name, platform);
    return await inspectImage(this.#context, this.#context.store.find(name));
  }

  async history(name: string, platform?: string): Promise<Json[]> {
    this.resolve(name, platform);
    return await imageHistory(this.#context, this.#context.store.find(name));
  }

  pull(reference: string, options: PullRequest): AsyncGenerator<Progress, void, void> {
    return pullImage(this.#context, reference, options);
  }

  push(
    name: string,
    request: PushRequest & { readonly platform?: string },
  ): AsyncGenerator<Progress, void, void> {
    const { platform, ...rest } = request;
    if (platform !== undefined) this.resolve(taggedName(name, request.tag), platform);
    return pushImages(this.#context, name, rest);
  }

  async search(request: SearchRequest): Promise<SearchResult[]> {
    return await searchImages(this.#context, request);
  }

  async distribution(
    name: string,
    options: { readonly auth?: RegistryAuth; readonly signal: AbortSignal },
  ): Promise<Json> {
    return await describeInRegistry(this.#context, name, options);
  }

  /** What isn't there at all is for others to tell. */
  #isFor(name: string, platform: string): boolean {
    try {
      this.resolve(name, platform);
      return true;
    } catch (error) {
      return !isFailure(error, "not-found");
    }
  }

  import(source: Readable | string, options: ImportRequest): AsyncGenerator<Progress, void, void> {
    return importImage(this.#context, source, options);
  }

  load(
    source: Readable,
    options: { quiet: boolean; platform?: string },
  ): AsyncGenerator<Progress, void, void> {
    return loadImages(this.#context, source, options);
  }

  async save(names: readonly string[], platform?: string): Promise<Readable> {
    if (platform !== undefined && names.some((name) => !this.#isFor(name, platform)))
      throw failure("not-found", { message: `no suitable export target found for platform ${platform}` });
    try {
      return await saveImages(this.#context, names);
    } catch (error) {
      // Docker looks for a name alone among ids too, and says so.
      if (!isFailure(error, "no-such-image")) throw error;
      const name = error.message.replace(/^No such image: /, "");
      if (name.startsWith("sha256:") || !/:[^/]*$|@/.test(name)) throw error;
      throw failure("not-found", { message: "reference does not exist" }, error);
    }
  }

  /** Makes an image of another one and a layer. */
  async commit(request: NewImage): Promise<{ readonly id: string; readonly name: string }> {
    return await commitImage(this.#context, request);
  }

  async tag(name: string, repository: string, tag: string): Promise<void> {
    const { store } = this.#context;
    const { id } = store.find(name);
    const reference = newName(repository, tag);
    const image = await store.change((table) => {
      table.name(id, reference);
      table.touch(id, formatTime(now()));
      return table.get(id);
    });
    if (image !== undefined)
      publishImage(this.#context, "tag", image, { name: familiarReference(reference) });
  }

  async remove(
    name: string,
    options: { force: boolean; noprune: boolean; platforms?: readonly string[] },
  ): Promise<Json[]> {
    for (const platform of options.platforms ?? []) this.resolve(name, platform);
    return await removeImage(this.#context, name, options.force);
  }

  async prune(filters: Filters): Promise<{ ImagesDeleted: Json[] | null; SpaceReclaimed: number }> {
    return await pruneImages(this.#context, filters);
  }
}

function resolvedOf({ id, chain, config: { config, architecture, os } }: ImageRecord): ResolvedImage {
  const { ExposedPorts, Volumes, ...rest } = config;
  const defaults = {
    ...rest,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts: emptied(ExposedPorts) }),
    ...(Volumes === undefined ? {} : { Volumes: emptied(Volumes) }),
  };
  return { id, chain, defaults, architecture, os };
}

/** A set as Go writes it: the keys alone count. */
function emptied(set: Readonly<Record<string, object>>): Record<string, Empty> {
  return Object.fromEntries(Object.keys(set).map((key) => [key, {}]));
}

/** The name that a tag beside it makes. */
function taggedName(name: string, tag: string | undefined): string {
  return tag === undefined || tag === "" ? name : familiarReference(withTag(parseReference(name), tag));
}

/** Throws as Docker does if the image isn't for the platform that was asked for, so that clients pull the right one. */
function checkPlatform(name: string, { config }: ImageRecord, text: string): void {
  const wanted = parsePlatform(text);
  if (isOfPlatform(config, wanted)) return;
  const [expected, found] = [formatPlatform(wanted), formatPlatform(normalize(config))];
  throw failure("not-found", {
    message: `image with reference ${name} was found but its platform (${found}) does not match the specified platform (${expected})`,
  });
}
