/**
 * The engine's executors: one is kept warm, and replaced if it dies; sessions get their own.
 * @module
 */
import { Executor } from "./executor.ts";

/** Where executors come from. */
export class Executors {
  readonly #path: string;
  readonly #rehearse: boolean;
  #warm: Executor | undefined;

  /** `path` is the native binary; with `rehearse` nothing is done to the host, see {@link Executor.start}. */
  constructor(path: string, rehearse = false) {
    this.#path = path;
    this.#rehearse = rehearse;
  }

  /** The warm executor. */
  warm(): Executor {
    if (this.#warm === undefined || this.#warm.lost) this.#warm = Executor.start(this.#path, this.#rehearse);
    return this.#warm;
  }

  /** A fresh one; whoever asked closes it. */
  session(): Executor {
    return Executor.start(this.#path, this.#rehearse);
  }

  close(): void {
    this.#warm?.close();
    this.#warm = undefined;
  }
}
