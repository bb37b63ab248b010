/**
 * Moments as filters name them (moby's timestamp.GetTimestamp): how long ago in Go's notation, RFC 3339 or the beginning of
 * it, or seconds since the epoch; what is wrong is told in the words of Go's time.Parse.
 * @module
 */
import { failure, goQuoted } from "../errors/mod.ts";

/** Nanoseconds. */
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const maximum = 2n ** 63n - 1n;

/** A duration in nanoseconds as Go's ParseDuration reads it; undefined if it is none. */
function parseDuration(text: string): bigint | undefined {
  const [, sign, body = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body !== "0" && !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let sum = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of body.matchAll(/(\d*)\.?(\d*)([a-zµμ]+)/g)) {
    const scale = units[unit] ?? 0n;
    sum += BigInt(whole || "0") * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
  }
  if (sum > maximum) return undefined;
  return sign === "-" ? -sum : sum;
}

/**
 * The moment in nanoseconds since the epoch; durations are before `now`. Throws `invalid-parameter`.
 */
export function parseMoment(text: string, now: bigint): bigint {
  const ago = text === "0" ? undefined : parseDuration(text);
  if (ago !== undefined) return now - ago;
  const time = new TimeParser(text, layoutOf(text)).parse();
  if (typeof time === "bigint") return time;
  if (text.includes("-")) throw failure("invalid-parameter", { message: time });
  const [, seconds = "", fraction = ""] = /^(\+?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (seconds === "" || BigInt(seconds.replace("+", "")) > maximum || BigInt(fraction || "0") > maximum)
    throw failure("invalid-parameter", {
      message: `failed to parse value as time or duration: ${goQuoted(text)}`,
    });
  return BigInt(seconds.replace("+", "")) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
}

/** Which of Go's layouts the text is read by. */
function layoutOf(text: string): string {
  const isLocal = !/[zZ+]/.test(text) && text.split("-").length - 1 !== 3;
  const zone = isLocal ? "" : "Z07:00";
  if (text.includes(".")) return `2006-01-02T15:04:05.999999999${zone}`;
  if (!text.includes("T")) return `2006-01-02${zone}`;
  const all = text.split(":").length - 1;
  // That of the zone isn't the time's.
  const colons = !isLocal && !/[zZ]/.test(text) && all > 0 ? all - 1 : all;
  return `2006-01-02T15${[":04", ":04:05"][colons - 1] ?? (colons > 1 ? ":04:05" : "")}${zone}`;
}

/** What a layout consists of: Go's reference time. */
const chunks = /2006|01|02|15|04|05|\.9+|Z07:00/;
const ranges: Readonly<Record<string, readonly [name: string, least: number, most: number]>> = {
  "01": ["month", 1, 12],
  "15": ["hour", 0, 23],
  "04": ["minute", 0, 59],
  "05": ["second", 0, 59],
};

/** Thrown and caught here alone. */
class Unparsed {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** Reads one text by one layout. */
class TimeParser {
  readonly #text: string;
  readonly #layout: string;
  #rest: string;

  constructor(text: string, layout: string) {
    this.#text = text;
    this.#layout = layout;
    this.#rest = text;
  }

  /** Nanoseconds since the epoch, or what is wrong in Go's words. */
  parse(): bigint | string {
    try {
      return this.#parse();
    } catch (error) {
      if (error instanceof Unparsed) return `parsing time ${goQuoted(this.#text)}${error.why}`;
      throw error;
    }
  }

  #parse(): bigint {
    const found: Record<string, number> = {};
    let fraction = "";
    let zone: number | undefined;
    let layout = this.#layout;
    for (let match; (match = chunks.exec(layout)) !== null;) {
      this.#skip(layout.slice(0, match.index));
      const [chunk] = match;
      layout = layout.slice(match.index + chunk.length);
      if (chunk === "Z07:00") zone = this.#zone(chunk);
      else if (chunk.startsWith(".")) fraction = this.#take(/^(?:[.,](\d+))?/, chunk)[1] ?? "";
      else found[chunk] = this.#number(chunk);
    }
    if (this.#rest !== "") throw new Unparsed(`: extra text: ${goQuoted(this.#rest)}`);
    const {
      2006: year = 0,
      "01": month = 1,
      "02": day = 1,
      15: hour = 0,
      "04": minute = 0,
      "05": second = 0,
    } = found;
    if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate())
      throw new Unparsed(": day out of range");
    const parts = [year, month - 1, day, hour, minute, second] as const;
    const milliseconds = zone === undefined ? new Date(...parts).getTime() : Date.UTC(...parts) - zone;
    return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
  }

  #skip(literal: string): void {
    for (let index = 0; index < literal.length; index++) {
      if (!this.#rest.startsWith(literal.charAt(index))) throw this.#cannot(this.#rest, literal);
      this.#rest = this.#rest.slice(1);
    }
  }

  #number(chunk: string): number {
    const form = chunk === "2006" ? /^\d{4}/ : chunk === "15" ? /^\d\d?/ : /^\d\d/;
    const value = Number(this.#take(form, chunk)[0]);
    const [name, least, most] = ranges[chunk] ?? ["", 0, Infinity];
    if (value < least || value > most) throw new Unparsed(`: ${name} out of range`);
    return value;
  }

  /** How far ahead of UTC it is, in milliseconds. */
  #zone(chunk: string): number {
    const [all, sign, hours, minutes] = this.#take(/^(?:Z|([+-])(\d\d):(\d\d))/, chunk);
    if (all === "Z") return 0;
    if (Number(hours) > 24) throw new Unparsed(": time zone offset hour out of range");
    if (Number(minutes) > 60) throw new Unparsed(": time zone offset minute out of range");
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  }

  #take(form: RegExp, chunk: string): RegExpExecArray {
    const match = form.exec(this.#rest);
    if (match === null) throw this.#cannot(this.#rest, chunk);
    this.#rest = this.#rest.slice(match[0].length);
    return match;
  }

  #cannot(value: string, element: string): Unparsed {
    const [layout, seen, wanted] = [this.#layout, value, element].map(goQuoted);
    return new Unparsed(` as ${layout}: cannot parse ${seen} as ${wanted}`);
  }
}
