/**
 * At most so many at once, first come first served: the engine shares one limiter between all pulls
 * (`max-concurrent-downloads`).
 * @module
 */

/** A counting semaphore. */
export class Limiter {
  /** Below 0 while more run than may, because the limit was lowered. */
  #free: number;
  #limit: number;
  readonly #waiting: (() => void)[] = [];

  /** @param limit how many may run at once; at least 1. */
  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
    this.#free = this.#limit;
  }

  /** Another limit from now on; what runs already goes on. */
  change(limit: number): void {
    const next = Math.max(1, limit);
    this.#free += next - this.#limit;
    this.#limit = next;
    for (; this.#free > 0 && this.#waiting.length > 0; this.#free -= 1) this.#waiting.shift()?.();
  }

  /** Whether the next to come has to wait. */
  get busy(): boolean {
    return this.#free <= 0;
  }

  /** Runs `action` when its turn comes. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#free <= 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await action();
    } finally {
      const next = this.#free < 0 ? undefined : this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
