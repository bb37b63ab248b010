/**
 * Layers of an archive: which media type they are, and that they are what the image's configuration says.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { ContentStore, Descriptor, StagedBlob } from "../content/store.ts";
import { RunningDigest } from "../content/hash.ts";
import { describe, ociLayerType } from "../manifest.ts";
import { decompress, type Compression } from "../tar/compression.ts";
import { stageBlob } from "./members.ts";

/** A layer in a form that can be stored. */
export interface CheckedLayer {
  readonly blob: StagedBlob;
  readonly diffId: string;
  readonly descriptor: Descriptor;
}

/** Looks at each staged layer once. */
export class LayerChecker implements AsyncDisposable {
  readonly #store: ContentStore;
  readonly #limit: number | undefined;
  readonly #checked = new Map<string, CheckedLayer>();
  readonly #made: StagedBlob[] = [];
  readonly #published = new Set<StagedBlob>();

  /** `limit` is how many bytes one layer may have when decompressed. */
  constructor(store: ContentStore, limit?: number) {
    this.#store = store;
    this.#limit = limit;
  }

  /** The layer of a staged blob. One that is compressed as OCI has no media type for is stored plain. */
  async check(blob: StagedBlob, what: string): Promise<CheckedLayer> {
    const known = this.#checked.get(blob.digest);
    if (known !== undefined) return known;
    const layer = await this.#look(blob, what);
    this.#checked.set(blob.digest, layer);
    return layer;
  }

  /** Publishes the layer if it was stored plain; whether it was. */
  async publishMade(blob: StagedBlob): Promise<boolean> {
    if (!this.#made.includes(blob)) return false;
    if (!this.#published.has(blob)) await blob.publish();
    this.#published.add(blob);
    return true;
  }

  /** Throws away what was stored plain and not published. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const blob of this.#made) if (!this.#published.has(blob)) await blob.discard();
  }

  async #look(blob: StagedBlob, what: string): Promise<CheckedLayer> {
    const { compression, stream } = await decompress(blob.reader(), { what, limit: this.#limit });
    const mediaType = mediaTypeOf(compression);
    if (mediaType === undefined) {
      const plain = await stageBlob(this.#store, stream);
      this.#made.push(plain);
      return { blob: plain, diffId: plain.digest, descriptor: describe(ociLayerType, plain) };
    }
    const descriptor = describe(mediaType, blob);
    if (compression === "none") {
      await stop(stream);
      return { blob, diffId: blob.digest, descriptor };
    }
    const digest = new RunningDigest();
    for await (const chunk of stream) digest.update(chunk);
    return { blob, diffId: digest.finish(), descriptor };
  }
}

/** Throws `bad-archive` in Docker's words if the layers aren't those of the configuration. */
export function checkDiffIds(
  layers: readonly CheckedLayer[],
  diffIds: readonly string[],
  what: string,
): void {
  if (layers.length !== diffIds.length) {
    const reason = `invalid manifest, layers length mismatch: expected ${layers.length}, got ${diffIds.length}`;
    throw failure("bad-archive", { what, reason });
  }
  for (const [index, { diffId }] of layers.entries())
    if (diffId !== diffIds[index]) {
      const reason = `invalid diffID for layer ${index}: expected "${diffIds[index]}", got "${diffId}"`;
      throw failure("bad-archive", { what, reason });
    }
}

function mediaTypeOf(compression: Compression): string | undefined {
  switch (compression) {
    case "none":
      return ociLayerType;
    case "gzip":
    case "zstd":
      return `${ociLayerType}+${compression}`;
    case "bzip2":
    case "xz":
      return undefined;
  }
}

async function stop(stream: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  // A generator that wasn't started has nothing to release what it was made from.
  await iterator.next();
  await iterator.return?.();
}
