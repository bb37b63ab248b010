/**
 * One HTTP answer whose body is read under limits: a deadline for small bodies, a least speed for large ones.
 * @module
 */
import { connectionFailure, timeoutFailure } from "./failures.ts";

/** Bounds that no server may overstep. Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** From the request to the answer's headers. */
  readonly headers: number;
  /** For the whole of a small body. */
  readonly small: number;
  /** The window in which at least `trickle` bytes of a large body have to arrive. */
  readonly stall: number;
  readonly trickle: number;
}

/** Generous towards slow links, but nobody waits for ever. */
export const defaultLimits: Limits = { headers: 30_000, small: 30_000, stall: 30_000, trickle: 1024 };

const shortBody = 16 * 1024;

/** What an answer is made from. */
export interface AnswerParts {
  readonly response: Response;
  readonly url: URL;
  /** Whether the answer comes from another origin than the one that was asked. */
  readonly foreign: boolean;
  readonly controller: AbortController;
  /** Called once when nothing more will be read. */
  readonly release: () => void;
  readonly limits: Limits;
}

/** An HTTP answer. Its body must be read by one of `bytes`, `chunks` and `discard`, each of which frees the connection. */
export class Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly url: URL;
  readonly foreign: boolean;
  readonly #parts: AnswerParts;

  constructor(parts: AnswerParts) {
    this.status = parts.response.status;
    this.headers = parts.response.headers;
    this.url = parts.url;
    this.foreign = parts.foreign;
    this.#parts = parts;
  }

  /** The length that the server announces, in bytes. */
  get length(): number | undefined {
    const text = this.headers.get("content-length");
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** The whole body; `undefined` if it is longer than `limit` bytes. Fails if it doesn't arrive in time. */
  async bytes(limit: number): Promise<Uint8Array | undefined> {
    if ((this.length ?? 0) > limit) {
      await this.discard();
      return undefined;
    }
    const { limits, controller } = this.#parts;
    const timer = setTimeout(() => controller.abort(timeoutFailure(this.url)), limits.small);
    const received: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.chunks()) {
        size += chunk.length;
        if (size > limit) return undefined;
        received.push(chunk);
      }
    } finally {
      clearTimeout(timer);
    }
    return Buffer.concat(received);
  }

  /** The body as it arrives. Fails if the connection breaks or the server sends slower than the least speed. */
  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    const { response, controller, limits, release } = this.#parts;
    const reader = response.body?.getReader();
    let received = 0;
    let waited = 0;
    let since: number | undefined;
    const watch = setInterval(() => {
      const now = performance.now();
      if (since !== undefined) waited += now - since;
      // Time that the consumer took is not the server's fault.
      if (received < limits.trickle && waited > limits.stall / 2) controller.abort(timeoutFailure(this.url));
      received = 0;
      waited = 0;
      if (since !== undefined) since = now;
    }, limits.stall);
    let complete = false;
    try {
      while (reader !== undefined) {
        since = performance.now();
        const { done, value } = await reader.read();
        waited += performance.now() - since;
        since = undefined;
        if (done) break;
        received += value.length;
        yield value;
      }
      complete = true;
    } catch (error) {
      controller.signal.throwIfAborted();
      throw connectionFailure(this.url, error);
    } finally {
      clearInterval(watch);
      if (!complete) controller.abort(unwanted());
      release();
    }
  }

  /** Drops the body. What is short is read to its end, so that the connection can serve the next request. */
  async discard(): Promise<void> {
    const { controller, release } = this.#parts;
    if ((this.length ?? Number.POSITIVE_INFINITY) <= shortBody) {
      await this.bytes(shortBody).catch(() => undefined);
      return;
    }
    release();
    controller.abort(unwanted());
  }
}

function unwanted(): DOMException {
  return new DOMException("the body is not wanted", "AbortError");
}
