import { expect, test } from "bun:test";
import { address, element, family, link, ports, protocol, subnet, type Field } from "./element.ts";
import type { SetName } from "./sets.ts";

const hex = (bytes: Uint8Array | null | undefined): string | null | undefined =>
  bytes === null || bytes === undefined ? bytes : Buffer.from(bytes).toString("hex");
const shown = ({ first, last, text }: Field): (string | null | undefined)[] => [hex(first), hex(last), text];
const set = "x" as SetName;

test("fields as the kernel takes them", () => {
  expect(shown(address("172.17.0.2"))).toEqual(["ac110002", "ac110002", "172.17.0.2"]);
  expect(shown(protocol("sctp"))).toEqual(["84", "84", "sctp"]);
  expect([family(4), family(6)].map((one) => hex(one.first))).toEqual(["02", "0a"]);
  expect(shown(ports(80))).toEqual(["0050", "0050", "80"]);
  expect(shown(ports(65_000, 536))).toEqual(["fde8", "ffff", "65000-65535"]);
  expect(shown(link("eth0"))).toEqual([`65746830${"00".repeat(12)}`, `65746830${"00".repeat(12)}`, '"eth0"']);
  // IFNAMSIZ has room for 15 letters and a NUL.
  expect(hex(link("x".repeat(20)).first)).toBe(`${"78".repeat(15)}00`);
});

test("subnets reach from their first to their last address, whatever bits follow", () => {
  expect(shown(subnet("10.1.2.3/20"))).toEqual(["0a010000", "0a010fff", "10.1.2.3/20"]);
  expect(shown(subnet("0.0.0.0/0"))).toEqual(["00000000", "ffffffff", "0.0.0.0/0"]);
  expect(shown(subnet("10.0.0.1/32")).slice(0, 2)).toEqual(["0a000001", "0a000001"]);
  expect(shown(subnet("fd00::/65")).slice(0, 2)).toEqual([
    "fd000000000000000000000000000000",
    "fd000000000000007fffffffffffffff",
  ]);
});

test("an interval ends behind its last key; behind the very last there is nothing", () => {
  const behind = (field: Field): string | null | undefined => hex(element(set, true, [field]).behind);
  expect(behind(subnet("10.0.0.0/8"))).toBe("0b000000");
  expect(behind(ports(80, 10))).toBe("005a");
  expect(behind(ports(255))).toBe("0100");
  expect(behind(subnet("128.0.0.0/1"))).toBeNull();
  expect("behind" in element(set, false, [address("10.0.0.1")])).toBe(false);
});

test("several fields are padded to words of four bytes, with the end of the range beside", () => {
  const key = [address("10.0.0.1"), protocol("tcp"), ports(80, 2)];
  const found = element(set, true, key, [address("10.0.0.9"), ports(8080)]);
  expect(hex(found.key)).toBe("0a000001" + "06000000" + "00500000");
  expect(hex(found.keyEnd)).toBe("0a000001" + "06000000" + "00510000");
  expect(hex(found.data as Uint8Array)).toBe("0a000009" + "1f900000");
  expect(found.text).toBe("10.0.0.1 . tcp . 80-81 : 10.0.0.9 . 8080");
});

test("a map may lead to one field, or to a verdict", () => {
  expect(hex(element(set, false, [protocol("udp")], [ports(53)]).data as Uint8Array)).toBe("0035");
  const verdict = element(set, false, [link("docker0")], { goto: "c1" });
  expect([verdict.data, verdict.text]).toEqual([{ goto: "c1" }, '"docker0" : goto c1']);
  expect(element(set, false, [link("docker0")], "accept").text).toBe('"docker0" : accept');
});
