import { expect, test } from "bun:test";
import { packEventTime, packMapHead, packText, packUnsigned, unpackTextMap } from "./msgpack.ts";

test("heads are as short as they can be", () => {
  const heads = [0, 31, 32, 255, 256, 65_535, 65_536].map((length) => {
    const packed = packText("x".repeat(length));
    return packed.subarray(0, packed.length - length).toString("hex");
  });
  expect(heads).toEqual(["a0", "bf", "d920", "d9ff", "da0100", "daffff", "db00010000"]);
  expect([packMapHead(2), packMapHead(300)].map((head) => head.toString("hex"))).toEqual(["82", "de012c"]);
});

test("times", () => {
  expect(packUnsigned(0xfffffffe).toString("hex")).toBe("cefffffffe");
  expect(packEventTime(1_700_000_000_123_456_789n).toString("hex")).toBe("d7006553f100075bcd15");
});

test("an acknowledgement is read once it is whole", () => {
  const whole = Buffer.concat([packMapHead(1), packText("ack"), packText("c".repeat(40))]);
  for (let length = 0; length < whole.length; length++)
    expect(unpackTextMap(whole.subarray(0, length))).toBeUndefined();
  const more = Buffer.concat([whole, Buffer.of(0x81)]);
  expect(unpackTextMap(more)).toEqual({ values: { ack: "c".repeat(40) }, end: whole.length });
});
