/**
 * One element of a set: its fields as nft writes them, and as the kernel takes them.
 * @module
 */
import { addressBytes, parsePrefix, type SetElement, type Verdict } from "../../kernel/netlink/mod.ts";
import type { Protocol } from "../types.ts";
import type { SetName } from "./sets.ts";

/** An element of the table `inet caisson`. */
export interface FirewallElement extends SetElement {
  readonly set: SetName;
}

/** A value in a key or in what a map leads to; `last`: of a range. */
export interface Field {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly text: string;
}

const protocols: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
const utf8 = new TextEncoder();
const IFNAMSIZ = 16;

function single(value: Uint8Array, text: string): Field {
  return { first: value, last: value, text };
}

/** An address. */
export function address(value: string): Field {
  return single(addressBytes(value), value);
}

/** The addresses of a subnet: `172.17.0.0/16`. */
export function subnet(value: string): Field {
  const prefix = parsePrefix(value);
  const bytes = addressBytes(prefix.address);
  const part = (index: number, host: number): number => {
    const mask = Math.min(8, Math.max(0, prefix.length - index * 8));
    return 0xff & ((((bytes[index] ?? 0) >> (8 - mask)) << (8 - mask)) | (host & (0xff >> mask)));
  };
  return { first: bytes.map((_, i) => part(i, 0)), last: bytes.map((_, i) => part(i, 0xff)), text: value };
}

/** The name of an interface. */
export function link(name: string): Field {
  const value = new Uint8Array(IFNAMSIZ);
  value.set(utf8.encode(name).subarray(0, IFNAMSIZ - 1));
  return single(value, JSON.stringify(name));
}

/** A transport protocol. */
export function protocol(name: Protocol): Field {
  return single(Uint8Array.of(protocols[name]), name);
}

/** A family: 4 or 6. */
export function family(version: 4 | 6): Field {
  return single(Uint8Array.of(version === 4 ? 2 : 10), version === 4 ? "ipv4" : "ipv6");
}

/** A port, or `count` of them. */
export function ports(value: number, count = 1): Field {
  const last = value + count - 1;
  return {
    first: Uint8Array.of(value >>> 8, value),
    last: Uint8Array.of(last >>> 8, last),
    text: count === 1 ? String(value) : `${value}-${last}`,
  };
}

/** Fields one behind the other, each padded to 4 bytes. */
function concatenated(fields: readonly Uint8Array[]): Uint8Array {
  const padded = (value: Uint8Array): number => (value.length + 3) & ~3;
  const result = new Uint8Array(fields.reduce((size, field) => size + padded(field), 0));
  let at = 0;
  for (const field of fields) {
    result.set(field, at);
    at += padded(field);
  }
  return result;
}

/** The key behind `value`; null: there is none. */
function successor(value: Uint8Array): Uint8Array | null {
  const next = value.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = ((next[i] ?? 0) + 1) & 0xff;
    if (next[i] !== 0) return next;
  }
  return null;
}

const textOf = (fields: readonly Field[]): string => fields.map(({ text }) => text).join(" . ");

function verdictText(verdict: Verdict): string {
  return typeof verdict === "string" ? verdict : `goto ${verdict.goto}`;
}

/** What a map leads to: fields, or a verdict. */
export type Target = readonly Field[] | Verdict;

function isFields(target: Target): target is readonly Field[] {
  return Array.isArray(target);
}

/**
 * An element.
 * @param key fields of the key
 * @param target what it leads to, in a map
 */
export function element(
  set: SetName,
  intervals: boolean,
  key: readonly Field[],
  target?: Target,
): FirewallElement {
  const [only] = key;
  const text = textOf(key);
  const shape =
    only !== undefined && key.length === 1
      ? { key: only.first, ...(intervals ? { behind: successor(only.last) } : {}) }
      : {
          key: concatenated(key.map(({ first }) => first)),
          ...(intervals ? { keyEnd: concatenated(key.map(({ last }) => last)) } : {}),
        };
  if (target === undefined) return { set, ...shape, text };
  if (!isFields(target)) return { set, ...shape, data: target, text: `${text} : ${verdictText(target)}` };
  const [value] = target;
  const data =
    value !== undefined && target.length === 1 ? value.first : concatenated(target.map(({ first }) => first));
  return { set, ...shape, data, text: `${text} : ${textOf(target)}` };
}
