/**
 * A set of whole numbers that is kept as runs: what was taken one after the other costs one entry, however much it is.
 * @module
 */

/** Sorted runs without gaps between neighbours merged. Looking up costs the logarithm of the number of runs. */
export class Runs {
  readonly #first: bigint[] = [];
  readonly #last: bigint[] = [];

  /** How many runs there are: what it costs. */
  get runs(): number {
    return this.#first.length;
  }

  /** How many numbers from `from` to `to` it has. */
  countIn(from: bigint, to: bigint): bigint {
    let count = 0n;
    for (let i = Math.max(this.#at(from), 0); i < this.#first.length; i++) {
      const first = this.#first[i] ?? to;
      if (first > to) break;
      const last = this.#last[i] ?? first;
      const low = first < from ? from : first;
      const high = last > to ? to : last;
      if (high >= low) count += high - low + 1n;
    }
    return count;
  }

  has(value: bigint): boolean {
    return (this.#last[this.#at(value)] ?? value - 1n) >= value;
  }

  /** The smallest number from `value` on that it doesn't have. */
  nextFree(value: bigint): bigint {
    const last = this.#last[this.#at(value)];
    return last === undefined || last < value ? value : last + 1n;
  }

  /** Takes one in; false if it was in. */
  add(value: bigint): boolean {
    const at = this.#at(value);
    const last = this.#last[at];
    if (last !== undefined && last >= value) return false;
    const joinsBefore = last === value - 1n;
    const joinsAfter = this.#first[at + 1] === value + 1n;
    if (joinsBefore && joinsAfter) {
      this.#last[at] = this.#last[at + 1] ?? value;
      this.#first.splice(at + 1, 1);
      this.#last.splice(at + 1, 1);
    } else if (joinsBefore) this.#last[at] = value;
    else if (joinsAfter) this.#first[at + 1] = value;
    else this.#insert(at + 1, value, value);
    return true;
  }

  /** Takes one out; false if it wasn't in. */
  delete(value: bigint): boolean {
    const at = this.#at(value);
    const first = this.#first[at];
    const last = this.#last[at];
    if (first === undefined || last === undefined || last < value) return false;
    if (first === last) {
      this.#first.splice(at, 1);
      this.#last.splice(at, 1);
    } else if (first === value) this.#first[at] = value + 1n;
    else {
      this.#last[at] = value - 1n;
      if (last !== value) this.#insert(at + 1, value + 1n, last);
    }
    return true;
  }

  #insert(at: number, first: bigint, last: bigint): void {
    this.#first.splice(at, 0, first);
    this.#last.splice(at, 0, last);
  }

  /** Index of the last run that begins at `value` or before; -1: there is none. */
  #at(value: bigint): number {
    let low = 0;
    let high = this.#first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#first[middle] ?? value) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
