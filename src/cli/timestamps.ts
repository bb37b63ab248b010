/**
 * Times in flags: RFC 3339, dates, seconds since the epoch, or how long ago (moby's timestamp.GetTimestamp).
 * @module
 */
import { failure } from "../errors/mod.ts";
import { commandFailed } from "./failure-text.ts";
import { parseDuration } from "./flag-values.ts";

const date = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}(?::\d{2}(?::\d{2}(?:\.(\d{1,9}))?)?)?))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * `value` as the engine takes it: seconds since the epoch with nine digits of nanoseconds, or digits as they are.
 * @param label what an error's text begins with
 * @param now milliseconds since the epoch
 * @throws command-failed with docker's text
 */
export function toTimestamp(value: string, label: string, now: number = Date.now()): string {
  const ago = duration(value);
  if (ago !== undefined) {
    const nanoseconds = BigInt(now) * 1_000_000n - BigInt(ago);
    return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
  }
  const match = date.exec(value);
  if (match !== null) {
    const [, day = "", clock = "00:00:00", fraction = "", zone = ""] = match;
    const whole = clock.split(".")[0] ?? "";
    const time = Date.parse(`${day}T${whole}${"00:00:00".slice(whole.length)}${zone}`);
    if (!Number.isNaN(time)) return `${Math.floor(time / 1000)}.${fraction.padEnd(9, "0")}`;
  }
  if (/^\d+(?:\.\d+)?$/.test(value)) return value;
  throw commandFailed(
    `${label}failed to parse value as time or duration: ${JSON.stringify(value)}`,
    failure("invalid-parameter", { message: value }),
  );
}

function duration(value: string): number | undefined {
  try {
    return /[a-z]/.test(value) ? parseDuration(value) : undefined;
  } catch {
    return undefined;
  }
}
