import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeName, encodeName } from "./name.ts";

test("every sequence of bytes survives", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect([...encodeName(decodeName(bytes))]).toEqual([...bytes]);
    }),
  );
});

test("valid UTF-8 is itself, with its byte order mark and replacement characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), (text) => {
      if (text.isWellFormed()) expect(decodeName(Buffer.from(text))).toBe(text);
    }),
  );
  for (const text of ["\ufeffx", "x\ufffd", "ü€😀", ""]) expect(decodeName(Buffer.from(text))).toBe(text);
});

test("bytes that aren't UTF-8 become lone surrogates", () => {
  expect(decodeName(Uint8Array.of(0x61, 0xff, 0x62))).toBe("a\udcffb");
  // An encoded surrogate, an overlong slash, a code point too high: none is well-formed.
  for (const bytes of [
    [0xed, 0xb2, 0x80],
    [0xc0, 0xaf],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
  ])
    expect([...encodeName(decodeName(Uint8Array.from(bytes)))]).toEqual(bytes);
});
