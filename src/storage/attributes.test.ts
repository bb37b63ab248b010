import { expect, test } from "bun:test";
import { deviceArgument, nameArgument, timesArgument } from "./attributes.ts";

/** Seconds and nanoseconds of both times. */
function times(sec: number, nsec: number): bigint[] {
  const { value } = timesArgument({ sec, nsec });
  return Array.from({ length: 4 }, (_, at) => Buffer.from(value).readBigInt64LE(at * 8));
}

test("times are the same for access and modification", () => {
  expect(times(1_700_000_000, 5)).toEqual([1_700_000_000n, 5n, 1_700_000_000n, 5n]);
  expect(times(2 ** 32 + 1, 0)).toEqual([4_294_967_297n, 0n, 4_294_967_297n, 0n]);
});

test("times that Docker doesn't set are the epoch", () => {
  expect(times(-1, 999)).toEqual([0n, 0n, 0n, 0n]);
  expect(times(10_000_000_000, 1)).toEqual([0n, 0n, 0n, 0n]);
});

test("device numbers are split as the kernel splits them", () => {
  expect(deviceArgument(1, 3).value).toBe(0x103);
  expect(deviceArgument(259, 0x12345).value).toBe(0x12310345);
  expect(deviceArgument(4095, 0xfffff).value).toBe(0xffffffff);
  expect(deviceArgument(0, 0).value).toBe(0);
});

test("a name that isn't UTF-8 goes as its bytes", () => {
  expect(nameArgument("naïve")).toBe("naïve");
  expect(nameArgument("a\udcff")).toMatchObject({ kind: "bytes", value: Uint8Array.of(0x61, 0xff) });
});
