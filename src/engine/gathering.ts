/**
 * Changes that are written a moment later, together with others. What can't be written (a full disk) stays, and is tried
 * again.
 * @module
 */

/** Milliseconds in which changes are gathered into one commit, unless somebody says otherwise. */
const usualDelay = 50;
/** Milliseconds after which what couldn't be written is tried again. */
const RETRY = 1000;

/** When one kind of changes is written. */
export class Gathering {
  readonly #write: () => void;
  readonly #delay: number;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param write writes everything that is gathered; what it throws the database has told its operator
   * @param delay milliseconds in which changes are gathered
   */
  constructor(write: () => void, delay: number = usualDelay) {
    this.#write = write;
    this.#delay = delay;
  }

  /** There is something to write. */
  soon(): void {
    this.#after(this.#delay);
  }

  /** Writes at once. Throws what `write` does, which is tried again all the same. */
  now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#write();
    } catch (error) {
      this.#after(RETRY);
      throw error;
    }
  }

  #after(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#write();
      } catch {
        this.#after(RETRY);
      }
    }, milliseconds);
  }
}
