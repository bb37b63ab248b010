/**
 * A content store in memory, for tests.
 * @module
 */
import { digestOf, parseDigest } from "../digest.ts";
import { Expected, noSuchBlob, RunningDigest, tooLarge } from "./hash.ts";
import type {
  BlobInfo,
  BlobWriter,
  ByteRange,
  ContentStore,
  Descriptor,
  StagedBlob,
  StageWriter,
} from "./store.ts";

/** Keeps everything in maps. */
export class MemoryStore implements ContentStore {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #partial = new Map<string, Uint8Array>();
  #index: readonly Descriptor[] = [];

  async has(digest: string): Promise<boolean> {
    return (await this.stat(digest)) !== undefined;
  }

  async stat(digest: string): Promise<BlobInfo | undefined> {
    parseDigest(digest);
    const blob = this.#blobs.get(digest);
    return blob === undefined ? undefined : { digest, size: blob.length };
  }

  async *reader(digest: string, range: ByteRange = { offset: 0 }): AsyncGenerator<Uint8Array, void, void> {
    parseDigest(digest);
    const blob = this.#blobs.get(digest);
    if (blob === undefined) throw noSuchBlob(digest);
    const part = blob.subarray(range.offset, range.offset + (range.length ?? blob.length));
    if (part.length > 0) yield part;
  }

  async bytes(digest: string, limit: number): Promise<Uint8Array> {
    const blob = Buffer.concat(await Array.fromAsync(this.reader(digest)));
    if (blob.length > limit) throw tooLarge(digest, limit);
    return blob;
  }

  async writer(digest: string, size: number): Promise<BlobWriter> {
    const expected = new Expected(digest, size);
    const running = new RunningDigest(expected.algorithm);
    const before = this.#partial.get(digest);
    this.#partial.delete(digest);
    const chunks = before === undefined ? [] : [before];
    for (const chunk of chunks) running.update(chunk);
    return {
      offset: running.size,
      write: async (chunk) => {
        expected.checkRoom(running.size + chunk.length);
        running.update(chunk);
        chunks.push(chunk.slice());
      },
      commit: async () => {
        expected.check(running);
        this.#blobs.set(digest, Buffer.concat(chunks));
      },
      abort: async (keepPartial) => {
        if (keepPartial) this.#partial.set(digest, Buffer.concat(chunks));
      },
    };
  }

  async stage(): Promise<StageWriter> {
    const chunks: Uint8Array[] = [];
    return {
      write: async (chunk) => {
        chunks.push(chunk.slice());
      },
      seal: async () => this.#staged(Buffer.concat(chunks)),
      discard: async () => {
        chunks.length = 0;
      },
    };
  }

  async put(bytes: Uint8Array): Promise<BlobInfo> {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes.slice());
    return { digest, size: bytes.length };
  }

  async delete(digest: string): Promise<boolean> {
    parseDigest(digest);
    return this.#blobs.delete(digest);
  }

  async *list(): AsyncGenerator<BlobInfo, void, void> {
    for (const [digest, blob] of this.#blobs) yield { digest, size: blob.length };
  }

  async sweep(): Promise<number> {
    const count = this.#partial.size;
    this.#partial.clear();
    return count;
  }

  async index(): Promise<readonly Descriptor[]> {
    return this.#index;
  }

  async updateIndex(change: (manifests: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    this.#index = structuredClone(change(this.#index));
  }

  #staged(bytes: Uint8Array): StagedBlob {
    const digest = digestOf(bytes);
    return {
      digest,
      size: bytes.length,
      reader: async function* reader() {
        yield bytes;
      },
      publish: async () => {
        this.#blobs.set(digest, bytes);
      },
      discard: async () => undefined,
    };
  }
}
