import { describe, expect, test } from "bun:test";
import {
  availableCapabilities,
  capabilitiesIn,
  capabilityBits,
  capabilityMask,
  capabilityNames,
  capabilitySets,
  capsetData,
  capsetHeader,
  defaultCapabilities,
  resolveCapabilities,
} from "./capabilities.ts";

const all = availableCapabilities(40);

function mask(request: { add?: string[]; drop?: string[]; privileged?: boolean }, available = all): string {
  return capabilityMask(resolveCapabilities({ ...request, available })).toString(16);
}

test("names and bits are the kernel's", () => {
  expect(capabilityNames.length).toBe(41);
  expect([
    capabilityBits["CAP_CHOWN"],
    capabilityBits["CAP_SYS_ADMIN"],
    capabilityBits["CAP_CHECKPOINT_RESTORE"],
  ]).toEqual([0, 21, 40]);
  expect(capabilityMask(["CAP_CHOWN", "CAP_BPF", "CAP_FROM_THE_FUTURE", "constructor"])).toBe(
    (1n << 39n) | 1n,
  );
  expect(capabilitiesIn(0x21n)).toEqual(["CAP_CHOWN", "CAP_KILL"]);
});

describe("resolveCapabilities", () => {
  test("follows Docker", () => {
    expect({
      default: mask({}),
      add: mask({ add: ["net_admin"] }),
      addTwice: resolveCapabilities({ add: ["CHOWN", "cap_chown"], available: all }).length,
      drop: mask({ drop: ["CAP_CHOWN", "Kill"] }),
      dropAndAdd: mask({ add: ["CHOWN"], drop: ["CHOWN"] }),
      addAll: mask({ add: ["ALL"] }),
      addAllButOne: mask({ add: ["all"], drop: ["CHOWN"] }),
      addAllDropAll: mask({ add: ["ALL"], drop: ["ALL"] }),
      dropAll: mask({ drop: ["all"] }),
      dropAllAddOne: mask({ add: ["KILL"], drop: ["ALL"] }),
      privileged: mask({ privileged: true, drop: ["CHOWN"] }),
    }).toEqual({
      default: "a80425fb",
      add: "a80435fb",
      addTwice: 14,
      drop: "a80425da",
      dropAndAdd: "a80425fb",
      addAll: "1ffffffffff",
      addAllButOne: "1fffffffffe",
      addAllDropAll: "1ffffffffff",
      dropAll: "0",
      dropAllAddOne: "20",
      privileged: "1ffffffffff",
    });
    expect(resolveCapabilities({ available: all })).toEqual([...defaultCapabilities]);
  });

  test("gives no more than the kernel and the engine have", () => {
    expect(mask({ privileged: true }, availableCapabilities(37))).toBe("3fffffffff");
    expect(mask({ add: ["ALL"] }, availableCapabilities(63))).toBe("1ffffffffff");
    expect(mask({}, availableCapabilities(40, 0xfffffffffn & ~1n))).toBe("a80425fa");
  });

  test("refuses in Docker's words", () => {
    const ask =
      (request: { add?: string[]; drop?: string[] }, available = all) =>
      (): string[] =>
        resolveCapabilities({ ...request, privileged: true, available });
    expect(ask({ add: ["x"] })).toThrow('invalid CapAdd: unknown capability: "CAP_X"');
    expect(ask({ add: ["CAP_ALL"] })).toThrow('invalid CapAdd: unknown capability: "CAP_ALL"');
    expect(ask({ drop: [""] })).toThrow('invalid CapDrop: unknown capability: "CAP_"');
    expect(ask({ add: ["constructor"] })).toThrow('invalid CapAdd: unknown capability: "CAP_CONSTRUCTOR"');
    expect(ask({ add: ["SYS_RESOURCE"] }, all & ~(1n << 24n))).toThrow(
      'invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"',
    );
  });
});

describe("capabilitySets", () => {
  const given = ["CAP_CHOWN", "CAP_NET_ADMIN"];

  test("root has what the container has, and hands nothing on by file", () => {
    expect(capabilitySets(given, { uid: 0, added: ["NET_ADMIN"] })).toEqual({
      bounding: given,
      effective: given,
      permitted: given,
      inheritable: [],
      ambient: [],
    });
  });

  test("another user has only what was added by name", () => {
    const none = { bounding: given, effective: [], permitted: [], inheritable: [], ambient: [] };
    expect(capabilitySets(given, { uid: 1000 })).toEqual(none);
    const one = ["CAP_NET_ADMIN"];
    expect(capabilitySets(given, { uid: 1000, added: ["net_admin", "CAP_SYS_TIME"] })).toEqual({
      bounding: given,
      effective: one,
      permitted: one,
      inheritable: one,
      ambient: one,
    });
    expect(capabilitySets(given, { uid: 1, added: ["ALL"] }).ambient).toEqual(given);
  });
});

test("capset(2) gets version 3 and both words of each set", () => {
  expect(Buffer.from(capsetHeader()).toString("hex")).toBe("2205082000000000");
  const sets = { effective: ["CAP_CHOWN"], permitted: ["CAP_CHOWN", "CAP_BPF"], inheritable: ["CAP_KILL"] };
  expect(Buffer.from(capsetData(sets)).toString("hex")).toBe(
    "010000000100000020000000000000008000000000000000",
  );
});
