/**
 * PAX extended headers: records of `LENGTH KEY=VALUE\n` (POSIX.1-2017 pax, "pax Extended Header").
 * @module
 */
import type { Timestamp } from "./entry.ts";
import { HeaderError } from "./header.ts";
import { decodeName, encodeName } from "./name.ts";

/** One record; the value's bytes may be anything. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Reads the records of a PAX header in their order. Throws {@link HeaderError} on the first that is malformed. */
export function parsePax(bytes: Uint8Array): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 || space - at > 7 ? Number.NaN : parseDecimal(bytes.subarray(at, space));
    const end = at + length;
    if (!(end <= bytes.length) || bytes[end - 1] !== 10) throw malformed();
    const equals = bytes.indexOf(61, space);
    if (equals <= space + 1 || equals >= end - 1) throw malformed();
    // A copy: records outlive the chunk that they came in.
    records.push({
      key: decodeName(bytes.subarray(space + 1, equals)),
      value: bytes.slice(equals + 1, end - 1),
    });
    at = end;
  }
  return records;
}

/** Writes records in the order given; one without a value deletes its key. */
export function formatPax(records: Iterable<PaxRecord>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { key, value } of records) {
    const name = encodeName(key);
    const rest = name.length + value.length + 3;
    // The length counts its own digits.
    let length = rest + String(rest).length;
    length = rest + String(length).length;
    parts.push(Buffer.from(`${length} `), name, Buffer.from("="), value, Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

/** A non-negative integer in decimal digits. */
export function paxInteger(value: Uint8Array, key: string): number {
  const number = parseDecimal(value);
  if (!Number.isSafeInteger(number)) throw new HeaderError(`invalid PAX record ${key}`);
  return number;
}

/** A time in decimal seconds with an optional fraction, of which nine digits count. */
export function paxTime(value: Uint8Array, key: string): Timestamp {
  const match = /^(-?)(\d{1,16})(?:\.(\d*))?$/.exec(Buffer.from(value).toString("latin1"));
  if (match === null) throw new HeaderError(`invalid PAX record ${key}`);
  const sec = Number(match[2]);
  const nsec = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (!Number.isSafeInteger(sec)) throw new HeaderError(`invalid PAX record ${key}`);
  if (match[1] === "") return { sec, nsec };
  return nsec === 0 ? { sec: 0 - sec, nsec: 0 } : { sec: -sec - 1, nsec: 1_000_000_000 - nsec };
}

/** A name; NUL can't be part of one. */
export function paxName(value: Uint8Array, key: string): string {
  if (value.includes(0)) throw new HeaderError(`invalid PAX record ${key}`);
  return decodeName(value);
}

/** The decimal text of a time, as {@link paxTime} reads it. */
export function formatPaxTime({ sec, nsec }: Timestamp): string {
  if (nsec === 0) return String(sec);
  const fraction = (n: number): string => `.${String(n).padStart(9, "0").replace(/0+$/, "")}`;
  if (sec >= 0) return `${sec}${fraction(nsec)}`;
  return `-${-(sec + 1)}${fraction(1_000_000_000 - nsec)}`;
}

function parseDecimal(digits: Uint8Array): number {
  if (digits.length === 0 || digits.length > 16) return Number.NaN;
  let value = 0;
  for (const digit of digits) {
    if (digit < 48 || digit > 57) return Number.NaN;
    value = value * 10 + digit - 48;
  }
  return value;
}

function malformed(): HeaderError {
  return new HeaderError("malformed PAX header");
}
