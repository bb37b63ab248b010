/**
 * Digests of streams: content is hashed while it passes.
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { failure } from "../../errors/mod.ts";
import { parseDigest, type DigestAlgorithm } from "../digest.ts";

/** A digest and a size in the making. */
export class RunningDigest {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #size = 0;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** The digest; nothing can be added afterwards. */
  finish(): string {
    return `${this.#algorithm}:${this.#hash.digest("hex")}`;
  }
}

/** What a writer was told to expect. */
export class Expected {
  readonly digest: string;
  readonly size: number;
  readonly algorithm: DigestAlgorithm;

  constructor(digest: string, size: number) {
    this.algorithm = parseDigest(digest).algorithm;
    if (!Number.isSafeInteger(size) || size < 0)
      throw failure("invalid-parameter", { message: `invalid size ${size} of blob ${digest}` });
    this.digest = digest;
    this.size = size;
  }

  /** Throws `digest-mismatch` if `size` bytes are more than there should be. */
  checkRoom(size: number): void {
    if (size > this.size) throw this.#mismatch(`more than ${this.size} bytes`);
  }

  /** Throws `digest-mismatch` if what was written isn't it. */
  check(actual: RunningDigest): void {
    if (actual.size !== this.size) throw this.#mismatch(`${actual.size} instead of ${this.size} bytes`);
    const digest = actual.finish();
    if (digest !== this.digest) throw this.#mismatch(digest);
  }

  #mismatch(actual: string): Error {
    return failure("digest-mismatch", { what: "blob", expected: this.digest, actual });
  }
}

/** The error for a blob that isn't in the store. */
export function noSuchBlob(digest: string, cause?: unknown): Error {
  return failure("not-found", { message: `content ${digest} is not in the store` }, cause);
}

/** The error for a small blob that isn't small. */
export function tooLarge(digest: string, limit: number): Error {
  return failure("bad-archive", { what: digest, reason: `it is larger than ${limit} bytes` });
}
