import { expect, test } from "bun:test";
import { join, portsText } from "./ports-text.ts";

const tcp = (
  PrivatePort: number,
  IP?: string,
  PublicPort?: number,
): Parameters<typeof portsText>[0][number] => ({
  Type: "tcp",
  PrivatePort,
  ...(IP === undefined ? {} : { IP }),
  ...(PublicPort === undefined ? {} : { PublicPort }),
});

test("neighbours are a range, whatever order they come in", () => {
  expect(portsText([tcp(82), tcp(80), tcp(81), tcp(90)])).toBe("80-82/tcp, 90/tcp");
});

test("ports published under their own number are ranges for each address", () => {
  expect(portsText([tcp(80, "0.0.0.0", 80), tcp(81, "0.0.0.0", 81), tcp(80, "::", 80)])).toBe(
    "0.0.0.0:80-81->80-81/tcp, [::]:80->80/tcp",
  );
});

test("those published under another stand alone, last", () => {
  expect(portsText([tcp(80, "0.0.0.0", 8080), tcp(443)])).toBe("443/tcp, 0.0.0.0:8080->80/tcp");
});

test("IPv6 addresses stand in brackets", () => {
  expect(join("::1", "5")).toBe("[::1]:5");
  expect(join("1.2.3.4", "5")).toBe("1.2.3.4:5");
});
