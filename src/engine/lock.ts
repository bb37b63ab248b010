/**
 * One thing after the other: operations that change the same container wait for each other, and only for each other.
 * @module
 */

/** A lock for asynchronous work, first come, first served. */
export class Lock {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `body` once everything that was asked for before is done. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(body, body);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}
