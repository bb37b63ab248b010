/**
 * Downloads of the same blob by several pulls: one of them downloads it, the others wait and find it there.
 * @module
 */
import type { BlobWriter, ContentSink, ContentStore } from "../image/mod.ts";

/** What all pulls together download into the store. */
export class SharedDownloads {
  readonly #content: ContentStore;
  /** Resolved when the blob's writer ends, whole or not. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(content: ContentStore) {
    this.#content = content;
  }

  /** The store for one pull, which waits for others only until `signal` fires. */
  sink(signal: AbortSignal): ContentSink {
    return {
      has: async (digest) => await this.#content.has(digest),
      writer: async (digest, size) => await this.#writer(digest, size, signal),
    };
  }

  async #writer(digest: string, size: number, signal: AbortSignal): Promise<BlobWriter> {
    for (let other; (other = this.#running.get(digest)) !== undefined;) await settled(other, signal);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(digest, promise);
    const end = (): void => {
      this.#running.delete(digest);
      resolve();
    };
    try {
      if (await this.#content.has(digest)) {
        end();
        return wholeBlob(size);
      }
      return endingWith(end, await this.#content.writer(digest, size));
    } catch (error) {
      end();
      throw error;
    }
  }
}

/** A writer that has nothing left to write. */
function wholeBlob(size: number): BlobWriter {
  const nothing = async (): Promise<void> => undefined;
  return { offset: size, write: nothing, commit: nothing, abort: nothing };
}

function endingWith(end: () => void, writer: BlobWriter): BlobWriter {
  return {
    offset: writer.offset,
    write: async (chunk) => await writer.write(chunk),
    commit: async () => await writer.commit().finally(end),
    abort: async (keepPartial) => await writer.abort(keepPartial).finally(end),
  };
}

/** Resolves with `other`; rejects with the signal's reason if that comes first. */
async function settled(other: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([other, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
