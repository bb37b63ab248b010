/**
 * Takes a stream of chunks apart into pieces of the sizes that a parser wants, without copying where it can.
 * @module
 */
import { failure } from "../../errors/mod.ts";

const empty = new Uint8Array(0);

/** A stream read piece by piece. A piece may be a view of the stream's own chunk: it is valid until the next call. */
export class ByteSource implements AsyncDisposable {
  readonly #what: string;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = empty;
  #at = 0;
  #ended = false;
  #position = 0;

  /** `what` names the stream in errors. */
  constructor(source: AsyncIterable<Uint8Array>, what: string) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#what = what;
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes in one piece; undefined if the stream ended before the first of them. */
  async read(length: number): Promise<Uint8Array | undefined> {
    if (this.#chunk.length - this.#at < length) return await this.#gather(length);
    return this.#take(length);
  }

  /** At least one and at most `max` bytes, whatever is at hand. The stream may not end here. */
  async some(max: number): Promise<Uint8Array> {
    if (this.#at === this.#chunk.length && !(await this.#fill())) throw this.#truncated();
    return this.#take(Math.min(max, this.#chunk.length - this.#at));
  }

  /** Passes over `length` bytes. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.some(left)).length;
  }

  /** Passes over the rest of the stream. */
  async drain(): Promise<void> {
    do this.#take(this.#chunk.length - this.#at);
    while (await this.#fill());
  }

  /** Tells the stream that nothing more is wanted. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#chunks.return?.();
  }

  #take(length: number): Uint8Array {
    const piece = this.#chunk.subarray(this.#at, this.#at + length);
    this.#at += length;
    this.#position += length;
    return piece;
  }

  async #fill(): Promise<boolean> {
    while (!this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else if (next.value.length > 0) {
        this.#chunk = next.value;
        this.#at = 0;
        return true;
      }
    }
    this.#chunk = empty;
    this.#at = 0;
    return false;
  }

  async #gather(length: number): Promise<Uint8Array | undefined> {
    const piece = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (this.#at === this.#chunk.length && !(await this.#fill())) {
        if (filled === 0) return undefined;
        throw this.#truncated();
      }
      const part = this.#take(Math.min(length - filled, this.#chunk.length - this.#at));
      piece.set(part, filled);
      filled += part.length;
    }
    return piece;
  }

  #truncated(): Error {
    return failure("bad-archive", { what: this.#what, reason: `unexpected EOF at byte ${this.#position}` });
  }
}
