/**
 * A content sink in memory for tests: keeps partial blobs, checks digests.
 * @module
 */
import { createHash } from "node:crypto";
import { failure } from "../../errors/mod.ts";
import type { BlobWriter, ContentSink } from "./types.ts";

/** See {@link ContentSink}. */
export class MemorySink implements ContentSink {
  readonly blobs: Map<string, Buffer> = new Map<string, Buffer>();
  /** What broken downloads left. */
  readonly partial: Map<string, Buffer> = new Map<string, Buffer>();
  /** The digests in the order in which they were committed. */
  readonly order: string[] = [];

  has(digest: string): boolean {
    return this.blobs.has(digest);
  }

  async writer(digest: string): Promise<BlobWriter> {
    const before = this.partial.get(digest) ?? Buffer.alloc(0);
    const chunks = [before];
    const whole = (): Buffer => Buffer.concat(chunks);
    return {
      offset: before.length,
      write: async (chunk) => {
        chunks.push(Buffer.from(chunk));
      },
      commit: async () => {
        this.partial.delete(digest);
        const [algorithm = ""] = digest.split(":");
        const actual = `${algorithm}:${createHash(algorithm).update(whole()).digest("hex")}`;
        if (actual !== digest) throw failure("digest-mismatch", { what: "blob", expected: digest, actual });
        this.blobs.set(digest, whole());
        this.order.push(digest);
      },
      abort: async (keepPartial) => {
        if (keepPartial) this.partial.set(digest, whole());
        else this.partial.delete(digest);
      },
    };
  }
}
