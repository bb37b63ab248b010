import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  allocateRange,
  checkMappings,
  type IdMapping,
  rangeIndex,
  rangeMappings,
  rangeSize,
  toContainer,
  toHost,
} from "./idmap.ts";

describe("ranges", () => {
  test("are handed out from the lowest, and leave out what isn't ours", () => {
    expect(allocateRange(new Set())).toBe(0);
    expect(allocateRange(new Set([0, 1, 3]))).toBe(2);
    const below = new Set(Array.from({ length: 0xffe }, (_, i) => i));
    expect(rangeMappings(allocateRange(below))).toEqual([
      { containerId: 0, hostId: 0x7fff0000, size: 65536 },
    ]);
    below.add(0xfff);
    expect(rangeMappings(allocateRange(below))).toEqual([
      { containerId: 0, hostId: 0x80000000, size: 65536 },
    ]);
  });

  test("end before the id that is none", () => {
    const used = new Set(Array.from({ length: 0x8ffe }, (_, i) => i));
    const last = allocateRange(used);
    expect(rangeMappings(last)[0]?.hostId).toBe(0xfffe0000);
    checkMappings("uidMappings", rangeMappings(last));
    expect(() => allocateRange(used.add(last))).toThrow("every range of user ids is in use by a container");
  });

  test("are found again by their first id", () => {
    fc.assert(
      fc.property(fc.nat(0x8ffe), (index) => rangeIndex(rangeMappings(index)[0]?.hostId ?? 0) === index),
    );
    expect([rangeIndex(0), rangeIndex(0x70000001), rangeIndex(0xffff0000), rangeIndex(0x70010000)]).toEqual([
      undefined,
      undefined,
      undefined,
      1,
    ]);
  });
});

describe("mappings", () => {
  const two: IdMapping[] = [
    { containerId: 0, hostId: 1000, size: 1 },
    { containerId: 1, hostId: 100000, size: rangeSize },
  ];

  test("translate both ways", () => {
    expect([0, 1, 65536, 65537].map((id) => toHost(two, id))).toEqual([1000, 100000, 165535, undefined]);
    expect([1000, 100000, 165535, 165536, 0].map((id) => toContainer(two, id))).toEqual([
      0,
      1,
      65536,
      undefined,
      undefined,
    ]);
    fc.assert(fc.property(fc.nat(65536), (id) => toContainer(two, toHost(two, id) ?? -1) === id));
  });

  test.each([
    [[], "no id is mapped"],
    [[{ containerId: 0, hostId: 0, size: 0 }], "0:0:0: the size must be 1 or more"],
    [[{ containerId: 0.5, hostId: 0, size: 1 }], "0.5:0:1: ids go from 0 to 4294967294"],
    [[{ containerId: 0, hostId: -1, size: 1 }], "0:-1:1: ids go from 0 to 4294967294"],
    [[{ containerId: 0, hostId: 4294967295, size: 1 }], "0:4294967295:1: ids go from 0 to 4294967294"],
    [[two[1], { containerId: 5, hostId: 7, size: 1 }], "1:100000:65536 overlaps 5:7:1"],
    [[{ containerId: 0, hostId: 165000, size: 1 }, two[1]], "1:100000:65536 overlaps 0:165000:1"],
    [
      Array.from({ length: 341 }, (_, i) => ({ containerId: i, hostId: i, size: 1 })),
      "341 mappings, the kernel takes at most 340",
    ],
  ] as [IdMapping[], string][])("%j is refused", (mappings, reason) => {
    expect(() => checkMappings("gidMappings", mappings)).toThrow(`gidMappings: ${reason}`);
  });

  test("that are in order pass, whatever their order", () => {
    checkMappings("uidMappings", two);
    checkMappings("uidMappings", two.toReversed());
    checkMappings("uidMappings", [{ containerId: 0, hostId: 0, size: 4294967295 }]);
  });
});
