/**
 * What many followers of one log want at the same time is read and formatted once for all: they are woken together, at the
 * same place, and most want the same.
 * @module
 */

/** Whole lines of a file from one place to another, as a client gets them. */
export interface Step {
  readonly chunks: readonly Buffer[];
  /** Where the next one begins; where this one began if there is no whole line. */
  readonly to: number;
}

/** Milliseconds for which a step is kept. */
const kept = 1000;

/** The last step of each log, for each way to write it. */
export class SharedSteps {
  readonly #last = new Map<
    string,
    { readonly inode: bigint; readonly from: number; readonly step: Promise<Step> }
  >();

  /**
   * The step that begins at `from` of the file `inode`: the last one of `key`, a log and how it is written, or what `make`
   * makes. It may have been read before this was called, so what it doesn't have may be there all the same.
   */
  take(key: string, inode: bigint, from: number, make: () => Promise<Step>): Promise<Step> {
    const last = this.#last.get(key);
    if (last?.inode === inode && last.from === from) return last.step;
    const step = make();
    const entry = { inode, from, step };
    this.#last.set(key, entry);
    const forget = (): void => {
      if (this.#last.get(key) === entry) this.#last.delete(key);
    };
    // One without a line, and one that failed, are nobody else's.
    step.then(({ to }) => void (to === from && forget()), forget);
    setTimeout(forget, kept).unref();
    return step;
  }
}
