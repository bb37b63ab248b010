/**
 * Addresses as the kernel takes them: 4, 16 or 6 bytes, and as people write them.
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";
import { failure } from "../../errors/mod.ts";

/** AF_* of addresses. */
export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const;

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

function words(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((word) => {
    if (!word.includes(".")) return [Number.parseInt(word, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(word);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** `172.17.0.2` as 4 bytes, `fe80::1` as 16; undefined when the text is no address. One with a zone (`%eth0`) is none. */
export function tryAddressBytes(address: string): Uint8Array | undefined {
  if (isIPv4(address)) return ipv4Bytes(address);
  if (!isIPv6(address) || address.includes("%")) return undefined;
  const [front = "", back] = address.split("::");
  const head = words(front);
  const tail = back === undefined ? [] : words(back);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  const all = [...head, ...zeros, ...tail];
  return Uint8Array.from(all.flatMap((word) => [word >>> 8, word & 0xff]));
}

/** {@link tryAddressBytes} of what must be an address. Throws `invalid-parameter` for anything else. */
export function addressBytes(address: string): Uint8Array {
  const bytes = tryAddressBytes(address);
  if (bytes === undefined) {
    throw failure("invalid-parameter", { message: `invalid IP address: ${address}` });
  }
  return bytes;
}

/** The longest run of two or more zero words: where it begins and how long it is. */
function longestZeros(values: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 1];
  for (let start = 0; start < values.length; start++) {
    let end = start;
    while (values[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}

/** 4 or 16 bytes as text; IPv6 as RFC 5952 wants it. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2));
  if (values.slice(0, 5).every((word) => word === 0) && values[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`;
  }
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(":");
  const [start, length] = longestZeros(values);
  return length < 2 ? hex(values) : `${hex(values.slice(0, start))}::${hex(values.slice(start + length))}`;
}

/** AF_INET or AF_INET6 of an address. */
export function familyOf(address: string): number {
  return address.includes(":") ? AF.INET6 : AF.INET;
}

/** `02:42:ac:11:00:02` as 6 bytes. Throws `invalid-parameter` for anything else. */
export function macBytes(mac: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw failure("invalid-parameter", { message: `invalid MAC address: ${mac}` });
  }
  return Uint8Array.from(mac.split(":"), (octet) => Number.parseInt(octet, 16));
}

/** Bytes of a hardware address as text. */
export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** An address and the length of its network's prefix: `172.17.0.2/16`. */
export interface Prefix {
  readonly address: string;
  readonly length: number;
}

/** `172.17.0.2/16` taken apart. Throws `invalid-parameter`. */
export function parsePrefix(text: string): Prefix {
  const [address = "", length = ""] = text.split("/");
  const most = address.includes(":") ? 128 : 32;
  if (!/^\d{1,3}$/.test(length) || Number(length) > most || (!isIPv4(address) && !isIPv6(address))) {
    throw failure("invalid-parameter", { message: `invalid CIDR address: ${text}` });
  }
  return { address, length: Number(length) };
}
