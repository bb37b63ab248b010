/**
 * Removes blobs and layers that nothing refers to. While something is being pulled, loaded or saved, nothing is removed:
 * what such work found to be there must stay until it is an image.
 * @module
 */
import { isFull, messageOf } from "../errors/mod.ts";
import type { ContentStore } from "../image/mod.ts";
import type { SnapshotDriver } from "../storage/mod.ts";
import type { ImageStore } from "./images-store.ts";
import type { ImageRecord } from "./images-table.ts";
import { Lock } from "./lock.ts";

/** What unfinished writers left is kept so long, in milliseconds, so that a pull can go on with it. */
const ingestAge = 24 * 60 * 60 * 1000;

/** What the collector works with. */
export interface CollectorParts {
  readonly content: ContentStore;
  readonly storage: SnapshotDriver;
  readonly store: ImageStore;
  readonly chainsInUse: () => Iterable<readonly string[]>;
  readonly warn: (message: string) => void;
}

/** The garbage collector of images. */
export class ImageCollector {
  readonly #parts: CollectorParts;
  readonly #lock = new Lock();
  #holds = 0;
  #waiting: ImageRecord[] = [];
  /** Milliseconds of age from which on unfinished files go, too; undefined: nothing is to be swept. */
  #sweeping: number | undefined;
  readonly #kept = new Set<readonly string[]>();

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  /**
   * Runs `work`, which brings new content or reads what is there; nothing is removed meanwhile. If there was no room for
   * it, nothing of it stays, nor what could have been gone on with.
   */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.hold();
    try {
      return await work();
    } catch (error) {
      if (isFull(error)) this.#sweeping = 0;
      throw error;
    } finally {
      release();
    }
  }

  /** Nothing is removed from now on until the function that this resolves to is called. */
  async hold(): Promise<() => void> {
    await this.#lock.run(async () => {
      this.#holds += 1;
    });
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds === 0 && (this.#waiting.length > 0 || this.#sweeping !== undefined))
        void this.#collect();
    };
  }

  /** Keeps the layers of `chain`, of which something is being made, until the result is disposed of. */
  keep(chain: readonly string[]): Disposable {
    // Another set of the same layers is another user of them.
    const own = [...chain];
    this.#kept.add(own);
    return { [Symbol.dispose]: () => void this.#kept.delete(own) };
  }

  /** Chain IDs that containers are made of or are just being made of. */
  *chainsInUse(): Generator<readonly string[], void, void> {
    yield* this.#parts.chainsInUse();
    yield* this.#kept;
  }

  /** Removes what only `removed` referred to, which aren't images any more. What fails is left for a sweep. */
  async collect(removed: readonly ImageRecord[]): Promise<void> {
    this.#waiting.push(...removed);
    await this.#collect();
  }

  /** Removes everything that no image and no container refers to, and what was left unfinished `age` ms ago. */
  async sweep(age: number = ingestAge): Promise<void> {
    this.#sweeping = Math.min(age, this.#sweeping ?? age);
    await this.#collect();
  }

  async #collect(): Promise<void> {
    await this.#lock.run(async () => {
      if (this.#holds > 0) return;
      const [removed, age] = [this.#waiting, this.#sweeping];
      this.#waiting = [];
      this.#sweeping = undefined;
      try {
        if (age !== undefined) await this.#removeUnused(age);
        else await this.#removeOf(removed);
      } catch (error) {
        this.#parts.warn(`remove what no image needs: ${messageOf(error)}`);
      }
    });
  }

  async #removeOf(removed: readonly ImageRecord[]): Promise<void> {
    const { content, storage, store } = this.#parts;
    const used = usedBy(store.table.all(), this.chainsInUse());
    for (const image of removed) {
      // From the top, so that what a crash leaves is a chain without holes.
      for (const chainId of image.chain.toReversed())
        if (!used.layers.has(chainId)) await storage.removeLayer(chainId);
      for (const digest of blobsOf(image)) if (!used.blobs.has(digest)) await content.delete(digest);
    }
  }

  async #removeUnused(age: number): Promise<void> {
    const { content, storage, store } = this.#parts;
    const used = usedBy(store.table.all(), this.chainsInUse());
    for (const chainId of await storage.layers())
      if (!used.layers.has(chainId)) await storage.removeLayer(chainId);
    await content.sweep(age);
    if (store.incomplete) return;
    for await (const { digest } of content.list()) if (!used.blobs.has(digest)) await content.delete(digest);
  }
}

/** What images and containers refer to. The lowest layer's chain ID is the digest of its plain blob, so they are kept apart. */
interface Used {
  /** Digests. */
  readonly blobs: ReadonlySet<string>;
  /** Chain IDs. */
  readonly layers: ReadonlySet<string>;
}

function usedBy(images: Iterable<ImageRecord>, chains: Iterable<readonly string[]>): Used {
  const blobs = new Set<string>();
  const layers = new Set<string>();
  for (const image of images) {
    for (const digest of blobsOf(image)) blobs.add(digest);
    for (const chainId of image.chain) layers.add(chainId);
  }
  for (const chain of chains) for (const chainId of chain) layers.add(chainId);
  return { blobs, layers };
}

function blobsOf({ id, manifest, layers, digests }: ImageRecord): string[] {
  const indexes = digests.flatMap(({ digest }) => (digest === undefined ? [] : [digest]));
  return [manifest.digest, id, ...layers.map(({ digest }) => digest), ...indexes];
}

/** Chain IDs of `image`, uppermost first, that nothing else refers to. */
export function ownLayers(
  image: ImageRecord,
  others: Iterable<ImageRecord>,
  chains: Iterable<readonly string[]>,
): string[] {
  const used = usedBy(others, chains);
  return image.chain.filter((chainId) => !used.layers.has(chainId)).toReversed();
}
