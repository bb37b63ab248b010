import { expect, test } from "bun:test";
import { endpointsOf, HostTrust } from "./endpoint.ts";

const urls = (registry: string, insecureRegistries: string[] = [], mirrors: string[] = []): string[] =>
  endpointsOf(registry, { mirrors }, new HostTrust(insecureRegistries)).map(({ base }) => base.href);

test("https alone, unless the host is loopback or configured", () => {
  expect(urls("registry.example")).toEqual(["https://registry.example/"]);
  const both = (host: string): string[] => [`https://${host}/`, `http://${host}/`];
  for (const host of ["127.0.0.1:5000", "127.9.9.9", "localhost:5000", "[::1]:5000"])
    expect(urls(host)).toEqual(both(host));
  expect(urls("registry.example:5000", ["registry.example:5000"])).toEqual(both("registry.example:5000"));
  expect(urls("registry.example:5000", ["Registry.Example"])).toEqual(both("registry.example:5000"));
  expect(urls("10.1.2.3", ["10.1.0.0/16"])).toEqual(both("10.1.2.3"));
  expect(urls("10.2.2.3", ["10.1.0.0/16", "10.2.0.0/40", "junk/8"])).toEqual(["https://10.2.2.3/"]);
  expect(urls("[fd00::5]:443", ["fd00::/8"])).toHaveLength(2);
});

test("names that look like loopback are not", () => {
  expect(urls("127.0.0.1.example.com")).toHaveLength(1);
  expect(urls("localhost.example.com")).toHaveLength(1);
});

test("docker.io has mirrors before Docker's own registry; other hosts have none", () => {
  const mirrors = ["https://mirror.example", "http://127.0.0.1:5001/docker"];
  expect(urls("docker.io", [], mirrors)).toEqual([
    "https://mirror.example/",
    "http://127.0.0.1:5001/docker/",
    "https://registry-1.docker.io/",
  ]);
  expect(urls("quay.io", [], mirrors)).toEqual(["https://quay.io/"]);
});

test("what is no host and what is no mirror is refused", () => {
  for (const host of ["", "a/b", "a@b", "a b", "a?x", "a#", "-a", "a:b", "a:123456", "..", "user:pw@host"])
    expect(() => urls(host)).toThrow("invalid registry host");
  for (const mirror of ["mirror.example", "file:///x", "https://u@m/", "https://m/?x=1"])
    expect(() => urls("docker.io", [], [mirror])).toThrow("invalid mirror");
});
