/**
 * Sizes and times in a human's words, as docker's units package says them.
 * @module
 */

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** `1.98MB`: powers of 1000, `precision` significant digits. */
export function humanSize(bytes: number, precision = 4): string {
  const [value, unit] = scale(bytes, 1000, decimalUnits);
  return general(value, precision) + unit;
}

/** `1.5GiB`: powers of 1024, 4 significant digits. */
export function bytesSize(bytes: number): string {
  const [value, unit] = scale(bytes, 1024, binaryUnits);
  return general(value, 4) + unit;
}

function scale(bytes: number, base: number, units: readonly string[]): readonly [number, string] {
  let value = bytes;
  let index = 0;
  while (value >= base && index < units.length - 1) {
    value /= base;
    index++;
  }
  return [value, units[index] ?? ""];
}

/** C's `%.*g` for numbers that need no exponent or a positive one. */
function general(value: number, precision: number): string {
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(precision - 1).split("e")[1]);
  if (exponent < -4 || exponent >= precision) {
    const [digits = "", power = ""] = value.toExponential(precision - 1).split("e");
    const mantissa = digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
    return `${mantissa}e${power.startsWith("-") ? "-" : "+"}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
  }
  const fixed = value.toFixed(Math.max(0, precision - 1 - exponent));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

/** `About an hour`, `3 weeks`: a duration in seconds, roughly. */
export function humanDuration(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < 1) return "Less than a second";
  if (whole === 1) return "1 second";
  if (whole < 60) return `${whole} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / 3600 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(seconds / 3600 / 24 / 365)} years`;
}

/** A moment as Go prints a time: `2026-11-24 04:41:37 +0000 UTC`. */
export function goTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const name = /\(([^)]+)\)/.exec(date.toString())?.[1] ?? "";
  const short = zone === "+0000" ? "UTC" : /^[A-Z]{2,5}$/.test(name) ? name : (shortZone(date) ?? zone);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone} ${short}`;
}

function shortZone(date: Date): string | undefined {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  const name = parts.find((part) => part.type === "timeZoneName")?.value;
  return name !== undefined && /^[A-Z]{2,5}$/.test(name) ? name : undefined;
}
