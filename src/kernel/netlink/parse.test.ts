import { expect, test } from "bun:test";
import { be16, be32, be64, binary, encodeMessages, header, nested, string, u16, u32, u8 } from "./message.ts";
import { AttributeReader, parseMessages } from "./parse.ts";

const front = header([4, 5]);
const encoded = encodeMessages([
  {
    type: 20,
    flags: 0,
    header: front,
    attributes: [
      u8(1, 200),
      u16(2, 0x1234),
      u32(3, 0xffffffff),
      string(4, "br0"),
      nested(5, [be16(1, 443), be32(2, 7), be64(3, 2n ** 60n)]),
      binary(6, Uint8Array.of(1)),
      binary(6, Uint8Array.of(2)),
    ],
    text: "",
  },
  { type: 21, flags: 0, header: front, attributes: [], text: "" },
]).bytes;

test("messages and attributes come back as they were put in", () => {
  const [first, second, ...more] = parseMessages(encoded);
  expect(more).toEqual([]);
  expect(second).toEqual({ type: 21, flags: 1, sequence: 2, payload: front });
  expect(first?.type).toBe(20);
  const attributes = new AttributeReader(first?.payload ?? new Uint8Array(), 4);
  expect(attributes.u8(1)).toBe(200);
  expect(attributes.u16(2)).toBe(0x1234);
  expect(attributes.u32(3)).toBe(0xffffffff);
  expect(attributes.string(4)).toBe("br0");
  expect(attributes.nested(5)?.be16(1)).toBe(443);
  expect(attributes.nested(5)?.be32(2)).toBe(7);
  expect(attributes.nested(5)?.be64(3)).toBe(2n ** 60n);
  expect(attributes.bytes(6)).toEqual(Uint8Array.of(2));
  expect(attributes.all(6)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  expect(attributes.u32(9)).toBeUndefined();
  expect(attributes.nested(9)).toBeUndefined();
});

test("what is cut off is refused, never read past its end", () => {
  expect(() => parseMessages(encoded.subarray(0, encoded.length - 1))).toThrow("a message is cut off");
  expect(() => parseMessages(encoded.subarray(0, 7))).toThrow("a message is cut off");
  expect(() => parseMessages(new Uint8Array(16))).toThrow("a message is cut off");
  expect(() => new AttributeReader(Uint8Array.of(9, 0, 1, 0, 1))).toThrow("an attribute is cut off");
  expect(() => new AttributeReader(Uint8Array.of(0, 0, 1, 0))).toThrow("an attribute is cut off");
  expect(() => new AttributeReader(Uint8Array.of(5, 0, 1, 0, 1)).u32(1)).toThrow("attribute 1 is cut off");
});
