/**
 * Subnets for networks that ask for none: Docker's default pools, or those of `--default-address-pool`, without what the
 * host and other networks use already.
 * @module
 */
import { createHash } from "node:crypto";
import { failure } from "../../errors/mod.ts";
import {
  formatPrefix,
  lastOf,
  overlaps,
  parseCidr,
  sizeOf,
  widthOf,
  type Family,
  type Prefix,
} from "./addresses.ts";

/** A pool that is cut into subnets of one length. */
export interface DefaultPool {
  readonly base: Prefix;
  /** Prefix length of the subnets. */
  readonly size: number;
}

function pool(text: string, size: number): DefaultPool {
  const found = parseCidr(text);
  if (found === undefined) throw failure("internal", { message: `default pool ${text} is no prefix` });
  return { base: found.prefix, size };
}

/** Docker's pools of networks of one host. */
export const localPools: readonly DefaultPool[] = [
  pool("172.17.0.0/16", 16),
  pool("172.18.0.0/16", 16),
  pool("172.19.0.0/16", 16),
  pool("172.20.0.0/14", 16),
  pool("172.24.0.0/14", 16),
  pool("172.28.0.0/14", 16),
  pool("192.168.0.0/16", 20),
];

/**
 * The pool of unique local addresses (RFC 4193) of an engine: `fd` and 40 bits of its id's SHA-256, as dockerd takes
 * them, in subnets of 64 bits.
 */
export function ulaPool(engineId: string): DefaultPool {
  const hash = createHash("sha256").update(engineId).digest().subarray(3, 8);
  const base = BigInt(`0xfd${hash.toString("hex")}`) << 80n;
  return { base: { family: 6, base, length: 48 }, size: 64 };
}

/**
 * Reads `base=10.0.0.0/8,size=24`.
 * @throws invalid-parameter with what is wrong with it
 */
export function parseDefaultPool(text: string): DefaultPool {
  const wrong = (why: string): Error => failure("invalid-parameter", { message: why });
  let base: Prefix | undefined;
  let size: number | undefined;
  for (const field of text.split(",")) {
    const [key = "", value] = field.split("=", 2).map((part) => part.trim());
    if (value === undefined) throw wrong(`invalid field '${field}' must be a key=value pair`);
    switch (key.toLowerCase()) {
      case "base":
        base = parseCidr(value)?.prefix;
        if (base === undefined)
          throw wrong(`invalid base prefix ${JSON.stringify(value)}: not an address and a length`);
        break;
      case "size":
        if (!/^\d{1,3}$/.test(value)) throw wrong(`invalid size value: ${value} (must be integer)`);
        size = Number(value);
        break;
      default:
        throw wrong(`unexpected key '${key}' in '${field}'`);
    }
  }
  if (base === undefined) throw wrong(`invalid default address pool ${JSON.stringify(text)}: it has no base`);
  if (size === undefined || size === 0)
    throw wrong("empty or invalid prefix length of subnets: size is missing");
  if (size < base.length)
    throw wrong(`invalid default address pool ${JSON.stringify(text)}: its subnets are bigger than it`);
  if (size > widthOf(base.family)) {
    throw wrong(
      `invalid default address pool ${JSON.stringify(text)}: its subnets are smaller than one address`,
    );
  }
  return { base, size };
}

/** The pools that networks without a subnet take: the user's, and for a family of which there are none the built-in ones. */
export function effectivePools(given: readonly DefaultPool[], engineId: string): readonly DefaultPool[] {
  const has = (family: Family): boolean => given.some(({ base }) => base.family === family);
  return [...(has(4) ? given : [...given, ...localPools]), ...(has(6) ? [] : [ulaPool(engineId)])];
}

/**
 * The first subnet of the family's pools that overlaps with none of `taken` (other networks, the host's routes).
 * @throws invalid-parameter in Docker's words when there is none
 */
export function choosePool(family: Family, pools: readonly DefaultPool[], taken: readonly Prefix[]): Prefix {
  for (const { base, size } of pools) {
    if (base.family !== family) continue;
    const found = firstFree(base, size, taken);
    if (found !== undefined) return found;
  }
  throw failure("invalid-parameter", { message: "all predefined address pools have been fully subnetted" });
}

/** Goes from obstacle to obstacle rather than from subnet to subnet: a /48 has 65536 of them. */
function firstFree(base: Prefix, size: number, taken: readonly Prefix[]): Prefix | undefined {
  const { family } = base;
  const end = lastOf(base).value;
  const step = sizeOf({ family, base: 0n, length: size });
  const obstacles = taken
    .filter((prefix) => overlaps(base, prefix))
    .toSorted((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : 0));
  let at = base.base;
  for (const obstacle of obstacles) {
    if (at > end) return undefined;
    if (!overlaps({ family, base: at, length: size }, obstacle)) {
      if (obstacle.base > at) break;
      continue;
    }
    const past = lastOf(obstacle).value + 1n;
    at = base.base + ((past - base.base + step - 1n) / step) * step;
  }
  return at > end ? undefined : { family, base: at, length: size };
}

/** A pool as `docker info` shows it. */
export function poolJson({ base, size }: DefaultPool): { Base: string; Size: number } {
  return { Base: formatPrefix(base), Size: size };
}
