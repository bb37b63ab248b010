/**
 * Samples and what is said about them.
 * @module
 */

/** What is reported of a set of samples, in their own unit. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** Sums samples up; percentiles are the nearest rank's. NaN of none. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { count: sorted.length, median: at(0.5), p10: at(0.1), p90: at(0.9) };
}

/** Microseconds for people: `870 µs`, `4.21 ms`, `375 ms`, `12.4 s`. */
export function duration(microseconds: number): string {
  if (microseconds < 1000) return `${microseconds.toFixed(0)} µs`;
  if (microseconds < 1e6) return `${digits(microseconds / 1000)} ms`;
  return `${digits(microseconds / 1e6)} s`;
}

/** Three significant digits, but never fewer than the whole number has. */
export function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Bytes for people: `24 KiB`, `61.2 MiB`. */
export function bytes(count: number): string {
  return count < 1 << 20 ? `${(count / 1024).toFixed(0)} KiB` : `${digits(count / (1 << 20))} MiB`;
}
