/**
 * IP addresses and prefixes as numbers: reading, writing (IPv6 as RFC 5952 has it), containing, overlapping.
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";

export type Family = 4 | 6;

/** An address: its family and its bits as a number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix: `base` has zeros behind its first `length` bits. */
export interface Prefix {
  readonly family: Family;
  readonly base: bigint;
  readonly length: number;
}

/** Bits of an address. */
export function widthOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** Reads an address without a zone and without leading zeros in its decimals; undefined: it is none. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: ipv4Value(text) };
  if (text.includes("%") || !isIPv6(text)) return undefined;
  const [head = "", tail] = hexTail(text).split("::");
  const words = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const first = words(head);
  const last = words(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const all = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return { family: 6, value: all.reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n) };
}

function ipv4Value(text: string): bigint {
  return text.split(".").reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Rewrites the dotted end of `::ffff:1.2.3.4` as two words. */
function hexTail(text: string): string {
  const at = text.lastIndexOf(":") + 1;
  const dotted = text.slice(at);
  if (!dotted.includes(".")) return text;
  const value = ipv4Value(dotted);
  return `${text.slice(0, at)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

/** Writes an address in its one canonical form. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return dotted(value);
  if (isMapped({ family, value })) return `::ffff:${dotted(value & 0xffffffffn)}`;
  const words = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const run = longestZeros(words);
  const text = (part: number[]): string => part.map((word) => word.toString(16)).join(":");
  if (run.length < 2) return text(words);
  return `${text(words.slice(0, run.start))}::${text(words.slice(run.start + run.length))}`;
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
}

/** Whether an IPv6 address stands for an IPv4 one (`::ffff:0:0/96`). */
export function isMapped({ family, value }: Address): boolean {
  return family === 6 && value >> 32n === 0xffffn;
}

/** The first of the longest runs of zeros (RFC 5952, section 4.2.3). */
function longestZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  words.forEach((word, i) => {
    if (word !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}

/** Reads `ADDRESS/LENGTH`, the address as it stands beside its prefix; undefined: it is none. */
export function parseCidr(text: string): { address: Address; prefix: Prefix } | undefined {
  const at = text.indexOf("/");
  const address = parseAddress(text.slice(0, Math.max(at, 0)));
  const digits = text.slice(at + 1);
  if (address === undefined || !/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  if (length > widthOf(address.family)) return undefined;
  return { address, prefix: prefixOf(address, length) };
}

/** Reads a prefix whose bits behind its length are zeros; undefined: it is none. */
export function parsePrefix(text: string): Prefix | undefined {
  const found = parseCidr(text);
  return found !== undefined && found.address.value === found.prefix.base ? found.prefix : undefined;
}

/** The prefix of this length that an address lies in. */
export function prefixOf({ family, value }: Address, length: number): Prefix {
  const rest = BigInt(widthOf(family) - length);
  return { family, base: (value >> rest) << rest, length };
}

/** `172.18.0.0/16` */
export function formatPrefix({ family, base, length }: Prefix): string {
  return `${formatAddress({ family, value: base })}/${length}`;
}

/** How many addresses it has. */
export function sizeOf({ family, length }: Prefix): bigint {
  return 1n << BigInt(widthOf(family) - length);
}

/** Its last address: of IPv4 the broadcast address. */
export function lastOf(prefix: Prefix): Address {
  return { family: prefix.family, value: prefix.base + sizeOf(prefix) - 1n };
}

/** Whether an address lies in it. */
export function containsAddress(prefix: Prefix, { family, value }: Address): boolean {
  return family === prefix.family && value >= prefix.base && value < prefix.base + sizeOf(prefix);
}

/** Whether all of `inner` lies in it. */
export function containsPrefix(prefix: Prefix, inner: Prefix): boolean {
  return (
    inner.length >= prefix.length && containsAddress(prefix, { family: inner.family, value: inner.base })
  );
}

/** Whether they have an address in common. */
export function overlaps(one: Prefix, other: Prefix): boolean {
  return containsPrefix(one, other) || containsPrefix(other, one);
}
