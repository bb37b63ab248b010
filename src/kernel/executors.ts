/**
 * The engine's executors: one is kept warm, and replaced if it dies; sessions get their own.
 * @module
 */
import { Executor } from "./executor.ts";

/** Where executors come from. */
export class Executors {
  readonly #path: string;
  #warm: Executor | undefined;

  /** `path` is the native binary. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The warm executor. */
  warm(): Executor {
    if (this.#warm === undefined || this.#warm.lost) this.#warm = Executor.start(this.#path);
    return this.#warm;
  }

  /** A fresh one; whoever asked closes it. */
  session(): Executor {
    return Executor.start(this.#path);
  }

  close(): void {
    this.#warm?.close();
    this.#warm = undefined;
  }
}
