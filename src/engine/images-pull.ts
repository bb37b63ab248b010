/**
 * Pulls images: each layer is unpacked as soon as it is there and the one below is unpacked, while others arrive.
 * @module
 */
import { familiarName, familiarReference, parseReference, withTag, type Reference } from "../image/mod.ts";
import {
  defaultRetry,
  formatPlatform,
  hostPlatform,
  isDigest,
  LayerProgress,
  listTags,
  normalize,
  openRegistry,
  parsePlatform,
  progressMessage,
  pull,
  rootDigest,
  type Platform,
  type PullEvent,
  type ResolvedImage,
} from "../image/registry/mod.ts";
import type { Progress, RegistryAuth } from "./engine.ts";
import { publishImage, type ImageContext } from "./images-context.ts";
import { reporting, type Emit } from "./images-progress.ts";
import { readConfig, readImage, type ImageContent } from "./images-read.ts";
import type { ImageRecord } from "./images-table.ts";
import { layerJob, unpackLayer } from "./images-unpack.ts";

/** How an image is pulled. */
export interface PullRequest {
  /** A tag or a digest; wins over the reference's own. */
  readonly tag?: string;
  readonly platform?: string;
  readonly auth?: RegistryAuth;
  readonly signal: AbortSignal;
}

/** Pulls one image and reports in Docker's words. What fails before an image is found throws before the first report. */
export async function* pullImage(
  context: ImageContext,
  text: string,
  request: PullRequest,
): AsyncGenerator<Progress, void, void> {
  const reference = wantedReference(text, request.tag);
  const platform = request.platform === undefined ? undefined : parsePlatform(request.platform);
  const whole = reference.tag === undefined && reference.digest === undefined;
  yield* reporting(async (emit, signal) => {
    await context.collector.holding(async () => {
      const wanted = { platform, auth: request.auth, emit };
      if (!whole) return void (await new Pulling(context, { ...wanted, reference }, signal).run());
      const tags = await tagsOf(context, reference, request.auth, signal);
      let newer = false;
      for (const tag of tags) {
        const one = { ...wanted, reference: withTag(reference, tag), among: true };
        newer = (await new Pulling(context, one, signal).run()) || newer;
      }
      emit({ ...progressMessage({ kind: "status", newer, reference: familiarName(reference) }) });
    });
  }, request.signal);
}

/** All tags that a registry has of the repository. */
async function tagsOf(
  { options }: ImageContext,
  reference: Reference,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const session = await openRegistry({
    reference,
    config: options.registry(),
    retry: { ...defaultRetry, attempts: options.attempts?.() ?? defaultRetry.attempts },
    signal,
    ...(auth === undefined ? {} : { auth }),
  });
  return await listTags(session, signal);
}

function wantedReference(text: string, tag: string | undefined): Reference {
  const reference = parseReference(text);
  const { registry, repository } = reference;
  if (tag !== undefined && isDigest(tag)) return { registry, repository, digest: tag };
  if (tag !== undefined) return withTag(reference, tag);
  return reference;
}

interface Wanted {
  readonly reference: Reference;
  readonly platform: Platform | undefined;
  readonly auth: RegistryAuth | undefined;
  readonly emit: Emit;
  /** It is one of several tags: what became of them is told when all are there. */
  readonly among?: boolean;
}

/** One pull on its way. */
class Pulling {
  readonly #context: ImageContext;
  readonly #wanted: Wanted;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  /** The image if it was there already. */
  #present: ImageRecord | undefined;
  #arrivals: PromiseWithResolvers<void>[] = [];
  #unpacked: Promise<void> = Promise.resolve();
  #failed: { readonly error: unknown } | undefined;
  /** What is told when all is done. */
  readonly #last: PullEvent[] = [];

  constructor(context: ImageContext, wanted: Wanted, signal: AbortSignal) {
    this.#context = context;
    this.#wanted = wanted;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Pulls it; whether it is newer than what was there. */
  async run(): Promise<boolean> {
    const { reference, platform, emit, among = false } = this.#wanted;
    const image = await this.#fetch();
    const record = this.#present ?? (await readImage(this.#context.content, image.manifest.descriptor));
    const { registry, repository, tag, digest } = reference;
    const names: Reference[] = [{ registry, repository, digest: rootDigest(image) }];
    if (tag !== undefined && digest === undefined) names.push({ registry, repository, tag });
    await this.#context.store.change((table) => {
      table.add(record);
      for (const name of names) table.name(record.id, name);
    });
    let newer = false;
    for (const event of this.#last) {
      if (event.kind === "status") newer = event.newer;
      if (event.kind !== "status" || !among) emit({ ...progressMessage(event) });
    }
    this.#warnOfPlatform(record, platform);
    publishImage(this.#context, "pull", record, {
      id: familiarReference(reference),
      name: familiarName(reference),
    });
    return newer;
  }

  /** Downloads and unpacks. When this throws, nothing goes on any more. */
  async #fetch(): Promise<ResolvedImage> {
    const { reference, platform, auth } = this.#wanted;
    const { downloads, limiter, options } = this.#context;
    try {
      const image = await pull({
        reference,
        platform: platform ?? hostPlatform(),
        sink: downloads.sink(this.#signal),
        config: options.registry(),
        retry: { ...defaultRetry, attempts: options.attempts?.() ?? defaultRetry.attempts },
        limiter,
        signal: this.#signal,
        ...(auth === undefined ? {} : { auth }),
        onProgress: (event) => this.#report(event),
        local: (found) => this.#look(found),
        onLayer: (_, index) => this.#arrivals[index]?.resolve(),
      });
      await this.#unpacked;
      return image;
    } catch (error) {
      this.#failed ??= { error };
      this.#stop.abort(error);
      for (const { resolve } of this.#arrivals) resolve();
      await this.#unpacked.catch(() => undefined);
      throw this.#failed.error;
    }
  }

  #look(found: ResolvedImage): { present: boolean; tagged: boolean } {
    const { table } = this.#context.store;
    this.#present = table.get(found.config.digest);
    const tagged = table.named(this.#wanted.reference)?.id === found.config.digest;
    if (this.#present !== undefined) return { present: true, tagged };
    this.#arrivals = found.layers.map(() => Promise.withResolvers<void>());
    this.#unpacked = this.#unpack(found);
    this.#unpacked.catch((error: unknown) => {
      this.#failed ??= { error };
      this.#stop.abort(error);
    });
    return { present: false, tagged };
  }

  async #unpack({ manifest, layers, config }: ResolvedImage): Promise<void> {
    const { content, storage } = this.#context;
    let known: ImageContent | undefined;
    for (const [index, blob] of layers.entries()) {
      await this.#arrivals[index]?.promise;
      this.#signal.throwIfAborted();
      known ??= await readConfig(content, config.digest, manifest.descriptor.digest, layers.length);
      const progress = new LayerProgress(blob, (event) => this.#report(event));
      await unpackLayer(content, storage, {
        ...layerJob(blob, index, known),
        onRead: (bytes) => progress.advance("Extracting", bytes),
        signal: this.#signal,
      });
      progress.state("Pull complete");
    }
  }

  #report(event: PullEvent): void {
    if (event.kind === "digest" || event.kind === "status") {
      this.#last.push(event);
      return;
    }
    const message = progressMessage(event);
    const { reference } = this.#wanted;
    // Docker shows a digest with its name.
    const whole = event.kind === "from" && reference.digest !== undefined;
    this.#wanted.emit(whole ? { ...message, id: familiarReference(reference) } : { ...message });
  }

  #warnOfPlatform({ config }: ImageRecord, wanted: Platform | undefined): void {
    if (wanted === undefined) return;
    const [expected, actual] = [wanted, config].map((platform) => formatPlatform(normalize(platform)));
    if (expected === actual || config.architecture === "") return;
    const name = familiarReference(this.#wanted.reference);
    this.#wanted.emit({
      status: `WARNING: image with reference ${name} was found but its platform (${actual}) does not match the specified platform (${expected})`,
    });
  }
}
