/**
 * One record of a json-file log: found by a scan that knows what the shim writes (native/PROTOCOL.md, "Log"), by
 * JSON.parse if it is anything else that Docker's format allows.
 * @module
 */
import { formatTime, parseTime } from "../time.ts";

const head = Buffer.from('{"log":"');
const middle = Buffer.from('","stream":"std');
const out = Buffer.from('out"');
const err = Buffer.from('err"');
const attributesHead = Buffer.from(',"attrs":');
const timeHead = Buffer.from(',"time":"');
const quote = 0x22;
const backslash = 0x5c;
const zero = 0x30;
const nine = 0x39;
/** `2024-01-02T03:04:05`; the bytes that are no digits. */
const timeForm = [...Buffer.from("0000-00-00T00:00:00")];
const wholeSeconds = timeForm.length;

function same(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

const lastTime = 253_402_300_799_999_999_999n;

/** Nanoseconds since the epoch as `2024-01-02T03:04:05.000000000Z`; times that this can't write are the nearest ones. */
export function fixedTime(nanoseconds: bigint): Uint8Array {
  const time = nanoseconds < 0n ? 0n : nanoseconds > lastTime ? lastTime : nanoseconds;
  const [whole = "", fraction = ""] = formatTime(time).slice(0, -1).split(".");
  return Buffer.from(`${whole}.${fraction.padEnd(9, "0")}Z`);
}

/** Reads records one after the other without making objects; its fields tell of the last one that was read. */
export class RecordScanner {
  stream: 1 | 2 = 1;
  /** Where the text lies, escaped as JSON; `undefined` source: `text` has it. */
  textStart = 0;
  textEnd = 0;
  /** Whether anything but a final `\n` is escaped. */
  escaped = false;
  /** The text ends with an escaped line feed and nothing else is escaped. */
  newline = false;
  /** The text itself, of a record that was read the slow way. */
  text: Buffer | undefined;
  /** Where the time lies in `timeBytes`, with its Z. */
  timeBytes: Uint8Array = head;
  timeStart = 0;
  timeEnd = 0;
  /** Docker's `attrs`, if there are any. */
  attributes: Readonly<Record<string, string>> | undefined;

  /** The attributes of the last record that had some, as they stand in it: most logs have the same in all records. */
  #known: { readonly text: Buffer; readonly attributes: Readonly<Record<string, string>> } | undefined;

  /** First backslash from where it was sought last, so that text without one isn't searched for every record. */
  #backslashAt = -1;
  #knownFor: Uint8Array | undefined;

  /** Must be called when a block's bytes have changed. */
  reset(): void {
    this.#knownFor = undefined;
  }

  /** Reads the record at `start`, whose line feed is at `end`. False: it is none. */
  read(block: Buffer, start: number, end: number): boolean {
    return this.#scan(block, start, end) || this.#parse(block, start, end);
  }

  #scan(block: Buffer, start: number, end: number): boolean {
    if (!same(block, start, head)) return false;
    const textStart = start + head.length;
    let close = block.indexOf(quote, textStart);
    const escape = this.#nextBackslash(block, textStart);
    this.newline = false;
    this.escaped = false;
    if (escape < close) {
      if (escape + 2 === close && block[escape + 1] === 0x6e) {
        this.newline = true;
      } else {
        this.escaped = true;
        close = closingQuote(block, escape, end);
      }
    }
    if (close < 0 || close >= end || !same(block, close, middle)) return false;
    const named = close + middle.length;
    if (same(block, named, out)) this.stream = 1;
    else if (same(block, named, err)) this.stream = 2;
    else return false;
    const behind = named + out.length;
    const attributes = this.#attributesAt(block, behind, end);
    const timeAt = behind + (attributes?.text.length ?? 0);
    if (!same(block, timeAt, timeHead)) return false;
    const timeStart = timeAt + timeHead.length;
    const timeEnd = end - 2;
    if (block[timeEnd] !== quote || block[timeEnd + 1] !== 0x7d || !isTime(block, timeStart, timeEnd))
      return false;
    this.textStart = textStart;
    this.textEnd = close;
    this.text = undefined;
    this.attributes = attributes?.attributes;
    this.timeBytes = block;
    this.timeStart = timeStart;
    this.timeEnd = timeEnd;
    return true;
  }

  /** The attributes at `at` of a record that ends at `end`; undefined if there are none, or none that are a map of texts. */
  #attributesAt(
    block: Buffer,
    at: number,
    end: number,
  ): { readonly text: Buffer; readonly attributes: Readonly<Record<string, string>> } | undefined {
    if (!same(block, at, attributesHead)) return undefined;
    if (this.#known !== undefined && same(block, at, this.#known.text)) return this.#known;
    // The time has no comma, so the last one of the record is the one before it.
    const text = block.subarray(at, Math.max(at, block.lastIndexOf(timeHead, end)));
    const attributes = attributesIn(text);
    this.#known = attributes === undefined ? undefined : { text: Buffer.from(text), attributes };
    return this.#known;
  }

  #nextBackslash(block: Buffer, from: number): number {
    if (this.#knownFor === block && this.#backslashAt >= from) return this.#backslashAt;
    const at = block.indexOf(backslash, from);
    this.#knownFor = block;
    this.#backslashAt = at < 0 ? block.length : at;
    return this.#backslashAt;
  }

  #parse(block: Buffer, start: number, end: number): boolean {
    let value: unknown;
    try {
      value = JSON.parse(block.toString("utf8", start, end));
    } catch {
      return false;
    }
    if (typeof value !== "object" || value === null) return false;
    const { log = "", stream, time, attrs } = value as Record<string, unknown>;
    if (typeof log !== "string" || typeof time !== "string") return false;
    if (stream !== "stdout" && stream !== "stderr") return false;
    const nanoseconds = parseTime(time);
    if (nanoseconds === 0n) return false;
    this.stream = stream === "stdout" ? 1 : 2;
    this.text = Buffer.from(log);
    this.timeBytes = Buffer.from(formatTime(nanoseconds));
    this.timeStart = 0;
    this.timeEnd = this.timeBytes.length;
    this.attributes = attributesOf(attrs);
    return true;
  }

  /** Longest that {@link copyText} writes. */
  get textLimit(): number {
    return this.text?.length ?? this.textEnd - this.textStart;
  }

  /** Writes the text to `target` at `at`. Returns where it ends there. */
  copyText(block: Buffer, target: Buffer, at: number): number {
    if (this.text !== undefined) return at + this.text.copy(target, at);
    if (this.escaped) return unescape(block, this.textStart, this.textEnd, target, at);
    const end = this.newline ? this.textEnd - 2 : this.textEnd;
    const copied = at + block.copy(target, at, this.textStart, end);
    if (!this.newline) return copied;
    target[copied] = 0x0a;
    return copied + 1;
  }

  /** Compares the time with one of {@link fixedTime}: negative if the record is earlier, positive if it is later. */
  compareTime(fixed: Uint8Array): number {
    const { timeBytes, timeStart, timeEnd } = this;
    for (let i = 0; i < fixed.length - 1; i++) {
      // What a fraction lacks is zeros; the point is not compared, as a time without fraction has none.
      if (i === wholeSeconds) continue;
      const byte = timeStart + i < timeEnd - 1 ? (timeBytes[timeStart + i] ?? zero) : zero;
      const difference = byte - (fixed[i] ?? zero);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Writes the time with all nine digits of its fraction, 30 bytes. */
  copyTime(target: Buffer, at: number): number {
    const { timeBytes, timeStart, timeEnd } = this;
    for (let i = 0; i < wholeSeconds; i++) target[at + i] = timeBytes[timeStart + i] ?? zero;
    target[at + wholeSeconds] = 0x2e;
    const from = timeStart + wholeSeconds + 1;
    for (let i = 0; i < 9; i++) {
      target[at + wholeSeconds + 1 + i] = from + i < timeEnd - 1 ? (timeBytes[from + i] ?? zero) : zero;
    }
    target[at + 29] = 0x5a;
    return at + 30;
  }
}

/** The quote that ends a string of which `from` is a backslash; -1 if there is none before `end`. */
function closingQuote(block: Buffer, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if (block[i] === backslash) i++;
    else if (block[i] === quote) return i;
  }
  return -1;
}

function isTime(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < 20 || length > 30 || bytes[end - 1] !== 0x5a) return false;
  for (let i = 0; i < wholeSeconds; i++) {
    const byte = bytes[start + i] ?? 0;
    const form = timeForm[i];
    if (form === zero ? byte < zero || byte > nine : byte !== form) return false;
  }
  if (length === 20) return true;
  if (length === 21 || bytes[start + wholeSeconds] !== 0x2e) return false;
  for (let i = start + 20; i < end - 1; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < zero || byte > nine) return false;
  }
  return true;
}

const shortEscapes: Readonly<Record<number, number>> = {
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
  0x62: 0x08,
  0x66: 0x0c,
};

function unescape(block: Buffer, start: number, end: number, target: Buffer, at: number): number {
  let to = at;
  for (let i = start; i < end;) {
    const byte = block[i] ?? 0;
    if (byte !== backslash) {
      target[to++] = byte;
      i++;
      continue;
    }
    const kind = block[i + 1] ?? 0;
    if (kind !== 0x75) {
      target[to++] = shortEscapes[kind] ?? kind;
      i += 2;
      continue;
    }
    let code = hexadecimal(block, i + 2);
    i += 6;
    if (code < 0x80) {
      target[to++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xdc00 && block[i] === backslash && block[i + 1] === 0x75) {
      const low = hexadecimal(block, i + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i += 6;
      }
    }
    // A half of a pair alone is U+FFFD, as Go's decoder has it.
    const lone = code < 0 || (code >= 0xd800 && code < 0xe000);
    to += target.write(String.fromCodePoint(lone ? 0xfffd : code), to);
  }
  return to;
}

/** The number of four hexadecimal digits; negative if they aren't. */
function hexadecimal(block: Buffer, at: number): number {
  let code = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = (block[i] ?? 0) | 0x20;
    const digit = byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : (block[i] ?? 0) - zero;
    if (digit < 0 || digit > 15 || (digit > 9 && byte < 0x61)) return -1;
    code = code * 16 + digit;
  }
  return code;
}

function attributesIn(text: Buffer): Readonly<Record<string, string>> | undefined {
  try {
    return attributesOf(JSON.parse(text.toString("utf8", attributesHead.length)));
  } catch {
    return undefined;
  }
}

function attributesOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const pairs = Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}
