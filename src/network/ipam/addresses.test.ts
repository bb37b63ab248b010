import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  containsPrefix,
  formatAddress,
  formatPrefix,
  isMapped,
  lastOf,
  overlaps,
  parseAddress,
  parseCidr,
  parsePrefix,
  prefixOf,
  sizeOf,
  type Address,
  type Prefix,
} from "./addresses.ts";

const address4: fc.Arbitrary<Address> = fc
  .bigInt({ min: 0n, max: (1n << 32n) - 1n })
  .map((value) => ({ family: 4, value }));
/** Words are often zero, so that runs of zeros come up. */
const address6: fc.Arbitrary<Address> = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((words) => ({ family: 6, value: words.reduce((value, word) => (value << 16n) | word, 0n) }));
const anyAddress = fc.oneof(address4, address6);
const anyPrefix: fc.Arbitrary<Prefix> = fc
  .tuple(anyAddress, fc.nat(128))
  .map(([address, length]) => prefixOf(address, address.family === 4 ? length % 33 : length));

function prefix(text: string): Prefix {
  const found = parsePrefix(text);
  if (found === undefined) throw new TypeError(text);
  return found;
}

test("IPv6 is written as RFC 5952 has it", () => {
  const cases = {
    "2001:0DB8:0:0:0:0:0002:1": "2001:db8::2:1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "0:0:0:0:0:0:0:0": "::",
    "0:0:0:0:0:0:0:1": "::1",
    "fe80:0:0:0:0:0:0:0": "fe80::",
    "::ffff:c0a8:101": "::ffff:192.168.1.1",
    "64:ff9b::192.0.2.33": "64:ff9b::c000:221",
  };
  for (const [given, canonical] of Object.entries(cases)) {
    const address = parseAddress(given);
    expect(address && formatAddress(address)).toBe(canonical);
  }
});

test("what is no address or prefix is refused", () => {
  for (const text of [
    "",
    "bad",
    "10.1.0",
    "10.1.0.256",
    "010.1.0.1",
    "fe80::1%eth0",
    "1.2.3.4/24",
    ":::",
    "::1::",
  ]) {
    expect(parseAddress(text)).toBeUndefined();
  }
  for (const text of [
    "10.1.0.0",
    "10.1.0.0/33",
    "10.1.0.0/",
    "10.1.0.0/+8",
    "10.1.0.0/08",
    "/8",
    "::/129",
    "x/8",
  ]) {
    expect(parseCidr(text)).toBeUndefined();
  }
  expect(parsePrefix("10.1.0.5/16")).toBeUndefined();
  expect(parseCidr("10.1.0.5/16")?.prefix).toEqual(prefix("10.1.0.0/16"));
});

test("what is written is read as the same, and is known to others as the same", () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      const text = formatAddress(address);
      expect(parseAddress(text)).toEqual(address);
      // The URL parser of WHATWG compresses as RFC 5952 does, but for mapped addresses.
      if (address.family === 6 && !isMapped(address))
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
    }),
  );
});

test("prefixes hold what is between their ends", () => {
  fc.assert(
    fc.property(anyPrefix, anyPrefix, (one, other) => {
      expect(parsePrefix(formatPrefix(one))).toEqual(one);
      expect(sizeOf(one)).toBe(lastOf(one).value - one.base + 1n);
      const disjoint =
        one.family !== other.family || one.base > lastOf(other).value || other.base > lastOf(one).value;
      expect(overlaps(one, other)).toBe(!disjoint);
      if (containsPrefix(one, other)) expect(overlaps(one, other)).toBe(true);
    }),
  );
  expect(containsPrefix(prefix("10.0.0.0/8"), prefix("10.1.0.0/16"))).toBe(true);
  expect(containsPrefix(prefix("10.1.0.0/16"), prefix("10.0.0.0/8"))).toBe(false);
  expect(overlaps(prefix("0.0.0.0/0"), prefix("::/0"))).toBe(false);
});
