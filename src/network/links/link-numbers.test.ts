import { expect, test } from "bun:test";
import fc from "fast-check";
import type { NetworkRecord } from "../types.ts";
import { hostIndexOf, interfaceIndexOf } from "./link-numbers.ts";

const network = (driver: string): NetworkRecord => ({ driver }) as NetworkRecord;

test("indexes are ones that the kernel takes, apart from each other and from its own", () => {
  const id = fc.string({
    unit: fc.constantFrom(..."0123456789abcdef".split("")),
    minLength: 64,
    maxLength: 64,
  });
  fc.assert(
    fc.property(id, fc.nat({ max: 30 }), (endpoint, position) => {
      const numbers = [
        hostIndexOf({ id: endpoint }),
        interfaceIndexOf(network("macvlan"), endpoint, position),
        interfaceIndexOf(network("bridge"), endpoint, position),
      ];
      for (const number of numbers) expect(number > 0 && number <= 0x7fff_ffff).toBe(true);
      expect(new Set(numbers).size).toBe(3);
    }),
  );
});

test("on a bridge the position in the container tells, on the host's own links the endpoint", () => {
  expect([0, 1].map((position) => interfaceIndexOf(network("bridge"), "f".repeat(64), position))).toEqual([
    16, 17,
  ]);
  expect(interfaceIndexOf(network("ipvlan"), `0000001${"0".repeat(57)}`, 5)).toBe(0x2000_0001);
  expect(hostIndexOf({ id: `fffffff${"0".repeat(57)}` })).toBe(0x4fff_ffff);
});
