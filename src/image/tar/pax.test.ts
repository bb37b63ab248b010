import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatPax, formatPaxTime, parsePax, paxName, paxTime } from "./pax.ts";

test("records survive with any bytes in their values", () => {
  const key = fc.string({ minLength: 1 }).filter((k) => !k.includes("="));
  fc.assert(
    fc.property(fc.array(fc.record({ key, value: fc.uint8Array({ maxLength: 1200 }) })), (records) => {
      expect(parsePax(formatPax(records)).map((r) => [r.key, [...r.value]])).toEqual(
        records.map((r) => [r.key, [...r.value]]),
      );
    }),
  );
});

test.each([
  "5 a=b\n",
  "7 a=b\n",
  "6 ab\n\n",
  "x a=b\n",
  "6 a=b",
  "99999999 a=b\n",
  "5 =b\n",
  " a=b\n",
  "0 a=b\n",
])("malformed record %j is refused", (text) => {
  expect(() => parsePax(Buffer.from(text))).toThrow("malformed PAX header");
});

test("times have nine digits and count down before 1970", () => {
  expect(paxTime(Buffer.from("1.5"), "mtime")).toEqual({ sec: 1, nsec: 500_000_000 });
  expect(paxTime(Buffer.from("-1.25"), "mtime")).toEqual({ sec: -2, nsec: 750_000_000 });
  expect(paxTime(Buffer.from("-7"), "mtime")).toEqual({ sec: -7, nsec: 0 });
  expect(paxTime(Buffer.from("1.1234567899"), "mtime")).toEqual({ sec: 1, nsec: 123_456_789 });
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 999_999_999 }), (sec, nsec) => {
      expect(paxTime(Buffer.from(formatPaxTime({ sec, nsec })), "mtime")).toEqual({ sec, nsec });
    }),
  );
  for (const bad of ["", "x", "1e3", "--1", "99999999999999999"])
    expect(() => paxTime(Buffer.from(bad), "mtime")).toThrow("invalid PAX record mtime");
});

test("a name has no NUL", () => {
  expect(() => paxName(Buffer.from("a\0b"), "path")).toThrow("invalid PAX record path");
});
