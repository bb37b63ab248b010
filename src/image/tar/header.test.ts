import { expect, test } from "bun:test";
import { isZeroBlock, parseHeader, parseNumber } from "./header.ts";
import { encodeEntry } from "./writer.ts";

const field = { at: 0, length: 12 };

test("octal numbers may be padded with spaces and NULs", () => {
  expect(parseNumber(Buffer.from("0000644\0    "), field)).toBe(0o644);
  expect(parseNumber(Buffer.from("   644 \0\0\0\0\0"), field)).toBe(0o644);
  expect(parseNumber(new Uint8Array(12), field)).toBe(0);
  expect(() => parseNumber(Buffer.from("00009\0\0\0\0\0\0\0"), field)).toThrow("not octal");
});

test("base 256 holds large and negative numbers", () => {
  const large = new Uint8Array(12);
  large[0] = 0x80;
  large[7] = 1;
  expect(parseNumber(large, field)).toBe(2 ** 32);
  expect(parseNumber(new Uint8Array(12).fill(0xff), field)).toBe(-1);
  expect(() => parseNumber(new Uint8Array(12).fill(0x80), field)).toThrow("out of range");
});

test("a wrong checksum is refused", () => {
  const block = encodeEntry({ type: "file", path: "x" });
  expect(parseHeader(block).path).toBe("x");
  block[0] = 0x79;
  expect(() => parseHeader(block)).toThrow("wrong checksum");
});

test("only zeros are a zero block", () => {
  const block = new Uint8Array(512);
  expect(isZeroBlock(block)).toBe(true);
  block[511] = 1;
  expect(isZeroBlock(block)).toBe(false);
});
