import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatPrefix, overlaps, parsePrefix, prefixOf, type Prefix } from "./addresses.ts";
import { choosePool, effectivePools, localPools, parseDefaultPool, poolJson, ulaPool } from "./pools.ts";

function prefixes(...texts: string[]): Prefix[] {
  return texts.map((text) => parsePrefix(text) ?? expect.unreachable(text));
}

/** The first subnets that come out, each taken before the next. */
function chosen(
  count: number,
  family: 4 | 6,
  pools: ReturnType<typeof effectivePools>,
  ...taken: string[]
): string[] {
  const used = prefixes(...taken);
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    const subnet = choosePool(family, pools, used);
    used.push(subnet);
    found.push(formatPrefix(subnet));
  }
  return found;
}

test("Docker's pools, in its order", () => {
  const all = chosen(31, 4, localPools);
  expect(all.slice(0, 5)).toEqual([
    "172.17.0.0/16",
    "172.18.0.0/16",
    "172.19.0.0/16",
    "172.20.0.0/16",
    "172.21.0.0/16",
  ]);
  expect(all.slice(13, 17)).toEqual(["172.30.0.0/16", "172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20"]);
  expect(all.at(-1)).toBe("192.168.240.0/20");
  expect(() => chosen(32, 4, localPools)).toThrow("all predefined address pools have been fully subnetted");
});

test("the host's routes and other networks are left alone", () => {
  expect(chosen(2, 4, localPools, "172.17.4.0/24", "172.18.0.0/15")).toEqual([
    "172.20.0.0/16",
    "172.21.0.0/16",
  ]);
  expect(chosen(1, 4, localPools, "172.16.0.0/12", "192.168.0.0/24", "192.168.17.1/32")).toEqual([
    "192.168.32.0/20",
  ]);
  expect(() => chosen(1, 4, localPools, "0.0.0.0/0")).toThrow("fully subnetted");
});

test("ULA subnets are dockerd's", () => {
  // What dockerd 28.5.2 with this id gave.
  const pool = ulaPool("dba22d03-0aa0-4b0f-9d52-a5098431f8ff");
  expect(poolJson(pool)).toEqual({ Base: "fd85:fa41:5951::/48", Size: 64 });
  expect(chosen(2, 6, [pool])).toEqual(["fd85:fa41:5951::/64", "fd85:fa41:5951:1::/64"]);
});

test("a chosen subnet is the first of its pool that is free", () => {
  const pool = { base: prefixes("10.0.0.0/24")[0] ?? expect.unreachable(), size: 28 };
  const subnets = Array.from({ length: 16 }, (_, i) => `10.0.0.${i * 16}/28`);
  const obstacle = fc
    .tuple(fc.nat(255), fc.integer({ min: 20, max: 32 }))
    .map(([byte, length]) => prefixOf({ family: 4, value: (10n << 24n) + BigInt(byte) }, length));
  fc.assert(
    fc.property(fc.array(obstacle, { maxLength: 12 }), (taken) => {
      const free = subnets.find(
        (text) => !taken.some((one) => prefixes(text).some((two) => overlaps(one, two))),
      );
      if (free === undefined) expect(() => choosePool(4, [pool], taken)).toThrow("fully subnetted");
      else expect(formatPrefix(choosePool(4, [pool], taken))).toBe(free);
    }),
  );
});

test("pools of the user replace those of their family", () => {
  const own = parseDefaultPool("base=10.10.0.0/16,size=24");
  const pools = effectivePools([own], "x");
  expect(chosen(2, 4, pools, "10.10.0.0/24")).toEqual(["10.10.1.0/24", "10.10.2.0/24"]);
  expect(pools).toHaveLength(2);
  expect(effectivePools([parseDefaultPool("base=fd00::/56,size=64")], "x")).toHaveLength(
    1 + localPools.length,
  );
  expect(chosen(1, 4, [parseDefaultPool("base=10.10.0.9/16,size=24")])).toEqual(["10.10.0.0/24"]);
});

test("a pool that makes no sense is refused", () => {
  const wrong = {
    "size=24": "it has no base",
    "base=10.0.0.0/8": "size is missing",
    "base=x,size=24": 'invalid base prefix "x"',
    "base=10.0.0.0/8,size=x": "invalid size value: x",
    "base=10.0.0.0/16,size=8": "its subnets are bigger than it",
    "base=10.0.0.0/16,size=33": "its subnets are smaller than one address",
    "base=10.0.0.0/16,size=24,x=y": "unexpected key 'x'",
    "10.0.0.0/16": "must be a key=value pair",
  };
  for (const [text, why] of Object.entries(wrong)) expect(() => parseDefaultPool(text)).toThrow(why);
});
