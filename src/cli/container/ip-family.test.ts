import { expect, test } from "bun:test";
import fc from "fast-check";
import { isIP } from "node:net";
import { ipFamily } from "./ip-family.ts";

test.each([
  "1.2.3.4",
  "256.1.1.1",
  "01.2.3.4",
  "::",
  "::1",
  "1:2",
  "fe80::1%eth0",
  "::ffff:1.2.3.4",
  "[::1]",
  "",
  "x",
  ":::1",
  "::0::",
])("%p is what net.isIP says", (text) => {
  expect(ipFamily(text)).toBe(isIP(text) as 0 | 4 | 6);
});

test("every address is one", () => {
  fc.assert(fc.property(fc.ipV4(), (text) => expect(ipFamily(text)).toBe(4)));
  fc.assert(fc.property(fc.ipV6(), (text) => expect(ipFamily(text)).toBe(6)));
});
