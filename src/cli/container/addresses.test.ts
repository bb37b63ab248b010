import { expect, test } from "bun:test";
import { isMac, takeAddress, takeExtraHost, takeLink, takeSearchDomain } from "./addresses.ts";

test("addresses in their shortest form", () => {
  expect(takeAddress(" 10.0.0.1 ")).toBe("10.0.0.1");
  expect(takeAddress("2001:DB8:0:0::0:1")).toBe("2001:db8::1");
  expect(() => takeAddress("10.0.0")).toThrow("IP address is not correctly formatted: 10.0.0");
});

test.each([
  ["02:42:ac:11:00:02", true],
  ["02-42-AC-11-00-02", true],
  ["0242.ac11.0002", true],
  ["02:42:ac:11:00:02:00:01", true],
  ["02:42:ac:11:00", false],
  ["02:42-ac:11:00:02", false],
  ["0242.ac11", false],
])("%p as a MAC address: %p", (text, mac) => {
  expect(isMac(text)).toBe(mac);
});

test.each([
  ["a:10.0.0.1", "a:10.0.0.1"],
  ["a=10.0.0.1", "a:10.0.0.1"],
  ["a:::1", "a:::1"],
  ["a=[::1]", "a:::1"],
  ["a:host-gateway", "a:host-gateway"],
])("%p as a further host", (given, taken) => {
  expect(takeExtraHost(given)).toBe(taken);
});

test.each([
  ["a", 'bad format for add-host: "a"'],
  [":10.0.0.1", 'bad format for add-host: ":10.0.0.1"'],
  ["a:x", 'invalid IP address in add-host: "x"'],
])("%p is no further host", (given, problem) => {
  expect(() => takeExtraHost(given)).toThrow(problem);
});

test("search domains", () => {
  expect(takeSearchDomain(".")).toBe(".");
  expect(takeSearchDomain(" example.com. ")).toBe("example.com");
  expect(() => takeSearchDomain("1.2")).toThrow("1.2 is not a valid domain");
  expect(() => takeSearchDomain("a..b")).toThrow("a..b is not a valid domain");
});

test("links", () => {
  expect(takeLink("db:alias")).toBe("db:alias");
  expect(() => takeLink("")).toThrow("empty string specified for links");
  expect(() => takeLink("a:b:c")).toThrow("bad format for links: a:b:c");
});
