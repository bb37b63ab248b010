import { expect, test } from "bun:test";
import fc from "fast-check";
import type { IpamPool } from "../types.ts";
import { formatAddress, parseAddress, parsePrefix, type Address, type Prefix } from "./addresses.ts";
import { AddressPool, NetworkAddresses } from "./allocate.ts";

function prefix(text: string): Prefix {
  return parsePrefix(text) ?? expect.unreachable(text);
}

function address(text: string): Address {
  return parseAddress(text) ?? expect.unreachable(text);
}

function take(pool: AddressPool, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => {
    const found = pool.allocate();
    return found && formatAddress(found);
  });
}

function network(...pools: IpamPool[]): ConstructorParameters<typeof NetworkAddresses>[0] {
  return { id: "80e651e1", name: "tiny", pools };
}

test("one after the other, and what was released last of all", () => {
  const pool = new AddressPool(prefix("10.0.0.0/29"));
  pool.reserve(address("10.0.0.1"));
  expect(take(pool, 3)).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
  pool.release(address("10.0.0.2"));
  expect(take(pool, 4)).toEqual(["10.0.0.5", "10.0.0.6", "10.0.0.2", undefined]);
  expect([pool.available, pool.used]).toEqual([0n, 8n]);
});

test("reserved addresses are never released", () => {
  const pool = new AddressPool(prefix("10.0.0.0/30"));
  pool.reserve(address("10.0.0.1"));
  for (const text of ["10.0.0.0", "10.0.0.1", "10.0.0.3", "10.0.0.2", "10.9.0.1", "::1"])
    pool.release(address(text));
  expect(take(pool, 2)).toEqual(["10.0.0.2", undefined]);
});

test("small subnets use what they have", () => {
  expect(take(new AddressPool(prefix("10.0.0.0/31")), 3)).toEqual(["10.0.0.0", "10.0.0.1", undefined]);
  expect(take(new AddressPool(prefix("10.0.0.7/32")), 2)).toEqual(["10.0.0.7", undefined]);
  expect(take(new AddressPool(prefix("fd00::/127")), 2)).toEqual(["fd00::1", undefined]);
  expect(take(new AddressPool(prefix("fd00::/126")), 4)).toEqual([
    "fd00::1",
    "fd00::2",
    "fd00::3",
    undefined,
  ]);
});

test("a range is kept to, and asked for addresses need not be in it", () => {
  const pool = new AddressPool(prefix("10.20.0.0/28"), prefix("10.20.0.8/30"));
  pool.take(address("10.20.0.3"));
  pool.take(address("10.20.0.9"));
  expect(pool.available).toBe(3n);
  expect(take(pool, 4)).toEqual(["10.20.0.8", "10.20.0.10", "10.20.0.11", undefined]);
  expect(() => pool.take(address("10.20.0.3"))).toThrow("Address already in use");
  expect(() => pool.take(address("10.21.0.3"))).toThrow(
    "invalid address 10.21.0.3: It does not belong to any of this network's subnets",
  );
});

test("no address is given twice, none leaks, and the subnet's own are never given", () => {
  const step = fc.oneof(
    fc.constant({ kind: "next" as const }),
    fc.record({
      kind: fc.constantFrom("take" as const, "release" as const),
      value: fc.bigInt({ min: 0n, max: 31n }),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const base = 10n << 24n;
      const pool = new AddressPool(prefix("10.0.0.0/27"), prefix("10.0.0.8/29"));
      const given = new Set<bigint>();
      for (const one of steps) {
        if (one.kind === "next") {
          const found = pool.allocate();
          const full = [8n, 9n, 10n, 11n, 12n, 13n, 14n, 15n].every((v) => given.has(base + v));
          expect(found === undefined).toBe(full);
          if (found === undefined) continue;
          expect(given.has(found.value)).toBe(false);
          given.add(found.value);
          continue;
        }
        const wanted: Address = { family: 4, value: base + one.value };
        if (one.kind === "release") {
          pool.release(wanted);
          given.delete(wanted.value);
        } else if (given.has(wanted.value) || one.value === 0n || one.value === 31n) {
          expect(() => pool.take(wanted)).toThrow("Address already in use");
        } else {
          pool.take(wanted);
          given.add(wanted.value);
        }
      }
      expect(pool.used).toBe(BigInt(given.size) + 2n);
    }),
  );
});

test("a big subnet costs what was taken one by one, not what it has", () => {
  for (const text of ["10.0.0.0/8", "fd00::/64"]) {
    const pool = new AddressPool(prefix(text));
    for (let i = 0; i < 20_000; i++) pool.allocate();
    expect(pool.runs).toBeLessThanOrEqual(2);
    expect(pool.used).toBe(pool.family === 4 ? 20_002n : 20_001n);
  }
});

test("a network goes on where its endpoints' rows end", () => {
  const pools = [{ subnet: "10.0.0.0/29", gateway: "10.0.0.1", auxiliary: { router: "10.0.0.4" } }];
  const addresses = new NetworkAddresses(network(...pools), ["10.0.0.2", "10.0.0.3", "10.9.0.1", "bad"]);
  expect(addresses.allocate(4, "10.0.0.6")).toBe("10.0.0.6");
  expect(addresses.allocate(4)).toBe("10.0.0.5");
  addresses.release("10.0.0.3");
  addresses.release("bad");
  expect(addresses.allocate(4)).toBe("10.0.0.3");
  expect(() => addresses.allocate(4)).toThrow(
    "no available IPv4 addresses on this network's address pools: tiny (80e651e1)",
  );
  expect(addresses.has(6)).toBe(false);
});

test("several subnets are used up one behind the other, families apart", () => {
  const addresses = new NetworkAddresses(
    network(
      { subnet: "10.0.0.0/30", gateway: "10.0.0.1" },
      { subnet: "10.1.0.0/30" },
      { subnet: "fd00::/64", gateway: "fd00::1" },
    ),
  );
  expect([1, 2, 3].map(() => addresses.allocate(4))).toEqual(["10.0.0.2", "10.1.0.1", "10.1.0.2"]);
  expect(addresses.allocate(6)).toBe("fd00::2");
  expect(addresses.allocate(6, "FD00:0::9")).toBe("fd00::9");
  expect(() => addresses.allocate(6, "fd00::9")).toThrow("Address already in use");
  expect(() => addresses.allocate(6, "10.0.0.2")).toThrow("invalid IPv6 address: 10.0.0.2");
  expect(() => addresses.allocate(4, "10.2.0.1")).toThrow(
    "It does not belong to any of this network's subnets",
  );
});
