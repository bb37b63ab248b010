/**
 * IP addresses and prefixes as numbers: reading, writing (IPv6 as RFC 5952 has it), containing, overlapping.
 * @module
 */
import { addressText, tryAddressBytes } from "../../kernel/netlink/mod.ts";

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

/** Whether an address in canonical text is of IPv6. */
export function isIPv6Text(address: string): boolean {
  return address.includes(":");
}

/** Whether an address in canonical text stands for every one of its family. */
export function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** An address as it stands before a colon and a port. */
export function bracketed(address: string): string {
  return isIPv6Text(address) ? `[${address}]` : address;
}

/** Reads an address without a zone and without leading zeros in its decimals; undefined: it is none. */
export function parseAddress(text: string): Address | undefined {
  const bytes = tryAddressBytes(text);
  if (bytes === undefined) return undefined;
  const value = bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** Writes an address in its one canonical form. */
export function formatAddress({ family, value }: Address): string {
  const last = widthOf(family) - 8;
  const byte = (_: unknown, i: number): number => Number((value >> BigInt(last - 8 * i)) & 0xffn);
  return addressText(Uint8Array.from({ length: widthOf(family) / 8 }, byte));
}

/** Whether an IPv6 address stands for an IPv4 one (`::ffff:0:0/96`). */
export function isMapped({ family, value }: Address): boolean {
  return family === 6 && value >> 32n === 0xffffn;
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
