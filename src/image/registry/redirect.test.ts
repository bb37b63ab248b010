import { expect, test } from "bun:test";
import { HostTrust } from "./endpoint.ts";
import { redirectTarget } from "./redirect.ts";

const trust = new HostTrust(["plain.example"]);
const from = (base: string, location: string): string => redirectTarget(trust, new URL(base), location).href;

test("relative and absolute locations within http and https", () => {
  expect(from("https://r.example/v2/a?x=1", "/b?y=2")).toBe("https://r.example/b?y=2");
  expect(from("https://r.example/v2/a", "//cdn.example/b")).toBe("https://cdn.example/b");
  expect(from("http://plain.example/v2/a", "https://cdn.example/b")).toBe("https://cdn.example/b");
  expect(from("http://127.0.0.1:5000/v2/a", "http://localhost:5001/b")).toBe("http://localhost:5001/b");
});

test("TLS is never given up, not even towards an insecure registry", () => {
  for (const location of ["http://r.example/", "http://plain.example/"])
    expect(() => from("https://r.example/", location)).toThrow("not encrypted");
  expect(() => from("https://127.0.0.1/", "http://127.0.0.1/")).toThrow("not encrypted");
});

test("another machine can't send us into this one", () => {
  for (const host of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "localhost",
    "[::1]",
    "LOCALHOST",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
    "[::]",
    "a.localhost",
    "localhost.",
  ])
    expect(() => from("https://r.example/", `https://${host}/`)).toThrow("it is this machine");
});

test("no other schemes, no credentials", () => {
  for (const location of ["file:///etc/passwd", "data:,x", "unix:/run/docker.sock", "javascript:1"])
    expect(() => from("https://r.example/", location)).toThrow("refusing a redirect");
  expect(() => from("https://r.example/", "https://u:p@r.example/")).toThrow("it has credentials");
  expect(() => from("https://r.example/", "https://[")).toThrow("not a URL");
});
