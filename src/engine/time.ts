/**
 * Times as Docker writes them.
 * @module
 */

/** How far the wall's clock is ahead of the monotonic one, as of the last time that it was set. */
let ahead = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Nanoseconds since the epoch, from the clock of the wall; finer than Date has. */
export function now(): bigint {
  const coarse = BigInt(Date.now()) * 1_000_000n;
  const monotonic = process.hrtime.bigint();
  // The monotonic clock doesn't follow when the wall clock is set; Date does.
  const apart = ahead + monotonic - coarse;
  if (apart > 5_000_000n || apart < -5_000_000n) ahead = coarse - monotonic;
  return ahead + monotonic;
}

/** RFC 3339 with nanoseconds, zeros at the end cut off, as Go's RFC3339Nano writes it. */
export function formatTime(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  const fraction = String(nanoseconds % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction === "" ? `${base}Z` : `${base}.${fraction}Z`;
}

/** A duration as Go's time.Duration writes it: `1m30s`, `1.5s`, `250ms`, `0s`. */
export function goDuration(nanoseconds: number): string {
  const sign = nanoseconds < 0 ? "-" : "";
  const size = Math.abs(nanoseconds);
  for (const [unit, scale] of [
    ["ns", 1],
    ["µs", 1e3],
    ["ms", 1e6],
  ] as const) {
    if (size > 0 && size < scale * 1000) return `${sign}${size / scale}${unit}`;
  }
  const seconds = Math.floor(size / 1e9);
  const rest = `${Number(((size % 60e9) / 1e9).toFixed(9))}s`;
  if (seconds < 60) return sign + rest;
  const minutes = Math.floor(seconds / 60);
  return `${sign}${minutes < 60 ? "" : `${Math.floor(minutes / 60)}h`}${minutes % 60}m${rest}`;
}

/** Nanoseconds since the epoch of an RFC 3339 time; 0 for Go's zero time. */
export function parseTime(text: string): bigint {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return 0n;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds) || milliseconds < 0) return 0n;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
