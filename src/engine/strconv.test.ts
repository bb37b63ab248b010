import { expect, test } from "bun:test";
import { parseInteger, parseUnsigned } from "./strconv.ts";

test("whole numbers of 64 bits, with a sign", () => {
  expect(
    ["0", "+7", "-7", "9223372036854775807", "-9223372036854775808"].map((text) => parseInteger(text)),
  ).toEqual([0n, 7n, -7n, 2n ** 63n - 1n, -(2n ** 63n)]);
  for (const text of ["", "1.0", "0x1", " 1", "--1"])
    expect(() => parseInteger(text, "strconv.ParseInt")).toThrow(
      `strconv.ParseInt: parsing "${text}": invalid syntax`,
    );
  expect(() => parseInteger("9223372036854775808")).toThrow(
    'strconv.Atoi: parsing "9223372036854775808": value out of range',
  );
});

test("numbers without a sign, of so many bits", () => {
  expect([parseUnsigned("65535", 16), parseUnsigned("65536")]).toEqual([65_535, 65_536]);
  expect(() => parseUnsigned("65536", 16)).toThrow('strconv.ParseUint: parsing "65536": value out of range');
  expect(() => parseUnsigned("+1")).toThrow('strconv.ParseUint: parsing "+1": invalid syntax');
});
