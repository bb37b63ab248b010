/**
 * At most so many at once, first come first served: the engine shares one limiter between all pulls
 * (`max-concurrent-downloads`).
 * @module
 */

/** A counting semaphore. */
export class Limiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param limit how many may run at once; at least 1. */
  constructor(limit: number) {
    this.#free = Math.max(1, limit);
  }

  /** Whether the next to come has to wait. */
  get busy(): boolean {
    return this.#free === 0;
  }

  /** Runs `action` when its turn comes. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
