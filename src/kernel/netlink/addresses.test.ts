import { describe, expect, test } from "bun:test";
import { addressBytes, addressText, familyOf, macBytes, macText, parsePrefix } from "./addresses.ts";

describe("addresses", () => {
  test.each([
    ["172.17.0.2", "ac110002"],
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["fe80::1", "fe800000000000000000000000000001"],
    ["2001:db8::1:0:0:1", "20010db8000000000001000000000001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["fd00::", "fd000000000000000000000000000000"],
    ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
  ])("%s is its bytes, and they are it", (text, hex) => {
    expect(Buffer.from(addressBytes(text)).toString("hex")).toBe(hex);
    expect(addressText(Buffer.from(hex, "hex"))).toBe(text);
  });

  test("are written as RFC 5952 wants: the longest run, the first of two, no run of one", () => {
    expect(addressText(addressBytes("2001:DB8:0:0:1:0:0:1"))).toBe("2001:db8::1:0:0:1");
    expect(addressText(addressBytes("1:0:2:0:0:0:3:4"))).toBe("1:0:2::3:4");
    expect(addressText(addressBytes("1:0:2:3:4:5:6:7"))).toBe("1:0:2:3:4:5:6:7");
  });

  test.each(["", "1.2.3", "fe80::1%eth0", "g::", "1.2.3.4/8"])("%p is none", (text) => {
    expect(() => addressBytes(text)).toThrow("invalid IP address");
  });

  test("have a family", () => {
    expect([familyOf("10.0.0.1"), familyOf("::1")]).toEqual([2, 10]);
  });
});

test("hardware addresses are six bytes", () => {
  expect(macBytes("02:42:AC:11:00:02")).toEqual(Uint8Array.of(2, 0x42, 0xac, 0x11, 0, 2));
  expect(macText(Uint8Array.of(2, 0x42, 0xac, 0x11, 0, 2))).toBe("02:42:ac:11:00:02");
  expect(() => macBytes("02:42")).toThrow("invalid MAC address: 02:42");
});

test("prefixes are an address and a length that it can have", () => {
  expect(parsePrefix("172.17.0.2/16")).toEqual({ address: "172.17.0.2", length: 16 });
  expect(parsePrefix("fd00::2/64")).toEqual({ address: "fd00::2", length: 64 });
  for (const wrong of ["172.17.0.2", "172.17.0.2/33", "fd00::/129", "x/8", "1.2.3.4/"]) {
    expect(() => parsePrefix(wrong)).toThrow("invalid CIDR address");
  }
});
