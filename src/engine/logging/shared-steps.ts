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
/** As many of one log: who was woken late finds those of who was first. */
const most = 8;

/** What is known to begin at a place of a file. */
interface Known {
  readonly inode: bigint;
  readonly from: number;
  readonly step: Promise<Step>;
}

/** The last steps of each log, for each way to write it. */
export class SharedSteps {
  readonly #last = new Map<string, Known[]>();

  /**
   * The step that begins at `from` of the file `inode`: one of the last of `key`, a log and how it is written, or what
   * `make` makes. It may have been read before this was called, so what it doesn't have may be there all the same.
   */
  take(key: string, inode: bigint, from: number, make: () => Promise<Step>): Promise<Step> {
    const last = this.#last.get(key) ?? [];
    const found = last.find((known) => known.inode === inode && known.from === from);
    if (found !== undefined) return found.step;
    const step = make();
    const entry = { inode, from, step };
    last.push(entry);
    if (last.length > most) last.shift();
    this.#last.set(key, last);
    const forget = (): void => this.#keep(key, (known) => known !== entry);
    // One without a line, and one that failed, are nobody else's.
    step.then(({ to }) => void (to === from && forget()), forget);
    setTimeout(forget, kept).unref();
    return step;
  }

  /** Of a file that somebody closes nothing is kept: once nobody has it open, another one may get its inode. */
  forget(inode: bigint): void {
    for (const key of this.#last.keys()) this.#keep(key, (known) => known.inode !== inode);
  }

  #keep(key: string, isKept: (known: Known) => boolean): void {
    const left = (this.#last.get(key) ?? []).filter(isKept);
    if (left.length === 0) this.#last.delete(key);
    else this.#last.set(key, left);
  }
}
