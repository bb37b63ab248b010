/**
 * The content store: blobs by digest, and the list of what they are for. An OCI image layout on disk (`layout.ts`) or
 * in memory (`memory.ts`); `suite.ts` is what both have to pass. Nothing here does I/O.
 *
 * A blob is there whole and checked, or not at all. Digests are checked before they become a path: everything that
 * takes one throws `invalid-parameter` for what isn't a digest.
 * @module
 */
import type { BlobWriter, ContentSink, Descriptor } from "../registry/types.ts";

export type { BlobWriter, ContentSink, Descriptor } from "../registry/types.ts";

/** A blob that is there. */
export interface BlobInfo {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** A part of a blob, in bytes; without `length` up to its end. */
export interface ByteRange {
  readonly offset: number;
  readonly length?: number;
}

/** The store. Everything may be called at the same time by any number of callers. */
export interface ContentStore extends ContentSink {
  /** Whether the blob is there. */
  has(digest: string): Promise<boolean>;
  /** The blob, if it is there. */
  stat(digest: string): Promise<BlobInfo | undefined>;
  /** The blob's bytes. Throws `not-found` when the first is asked for and the blob isn't there. */
  reader(digest: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** The whole of a small blob. Throws `not-found`, and `bad-archive` if it is larger than `limit` bytes. */
  bytes(digest: string, limit: number): Promise<Uint8Array>;
  /**
   * Opens a blob for writing whose digest is known. What an earlier writer left by `abort(true)`, or in a process that
   * died, is continued (`offset`); two writers of one blob don't disturb each other. `write` throws `digest-mismatch`
   * as soon as there are more than `size` bytes, `commit` if size or digest aren't as announced.
   */
  writer(digest: string, size: number): Promise<BlobWriter>;
  /** Opens a blob for writing whose digest isn't known yet. */
  stage(): Promise<StageWriter>;
  /** Stores a small blob. */
  put(bytes: Uint8Array): Promise<BlobInfo>;
  /** Removes the blob; whether it was there. Who reads it goes on reading. */
  delete(digest: string): Promise<boolean>;
  /** All blobs, in no order. */
  list(): AsyncIterable<BlobInfo>;
  /** Removes what unfinished writers left longer than `age` milliseconds ago. Returns the number of files. */
  sweep(age: number): Promise<number>;
  /** The entries of `index.json`. */
  index(): Promise<readonly Descriptor[]>;
  /** Changes `index.json` in one step; changes asked for at the same time are made one after another. */
  updateIndex(change: (manifests: readonly Descriptor[]) => readonly Descriptor[]): Promise<void>;
}

/** A blob being written whose digest is yet to be known. Exactly one of `seal` and `discard` ends it. */
export interface StageWriter {
  /** Appends. The chunk may be used again once the promise resolved. */
  write(chunk: Uint8Array): Promise<void>;
  seal(): Promise<StagedBlob>;
  discard(): Promise<void>;
}

/** A whole blob that isn't in the store yet. Exactly one of `publish` and `discard` ends it. */
export interface StagedBlob extends BlobInfo {
  reader(): AsyncIterable<Uint8Array>;
  /** Puts it into the store; nothing is changed if the store has it. */
  publish(): Promise<void>;
  discard(): Promise<void>;
}
