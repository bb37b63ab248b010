import { expect, test } from "bun:test";
import { reverseAddress } from "./reverse-name.ts";

test.each([
  ["4.3.2.1.in-addr.arpa", "1.2.3.4"],
  ["0.0.17.172.in-addr.arpa", "172.17.0.0"],
  // RFC 3596, section 2.5.
  ["b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa", "4321:0:1:2:3:4:567:89ab"],
  [`1.${"0.".repeat(31)}ip6.arpa`, "::1"],
])("%s is %s", (name, address) => {
  expect(reverseAddress(name)).toBe(address);
});

test.each([
  "3.2.1.in-addr.arpa",
  "5.4.3.2.1.in-addr.arpa",
  "256.0.0.1.in-addr.arpa",
  "::1.in-addr.arpa",
  "x.3.2.1.in-addr.arpa",
  `${"0.".repeat(31)}ip6.arpa`,
  `g.${"0.".repeat(31)}ip6.arpa`,
  `00.${"0.".repeat(31)}ip6.arpa`,
  "in-addr.arpa",
  "web",
])("%s is no address", (name) => {
  expect(reverseAddress(name)).toBeUndefined();
});
