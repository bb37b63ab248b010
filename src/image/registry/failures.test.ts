import { expect, test } from "bun:test";
import { failure } from "../../errors/mod.ts";
import {
  connectionFailure,
  isNoAnswer,
  isTransient,
  parseRetryAfter,
  refusedFailure,
  retryAfterOf,
  statusFailure,
  truncatedFailure,
} from "./failures.ts";

const url = new URL("https://registry.example/v2/?X-Signature=secret");
const system = (code: string): Error => Object.assign(new TypeError("raw"), { code });

test("texts are Go's, without the query, which may be a secret", () => {
  const text = (code: string): string => connectionFailure(url, system(code)).message;
  const get = 'Get "https://registry.example/v2/": ';
  expect(text("ENOTFOUND")).toBe(`${get}dial tcp: lookup registry.example: no such host`);
  expect(text("ECONNREFUSED")).toBe(`${get}dial tcp registry.example:443: connect: connection refused`);
  expect(text("ENETUNREACH")).toBe(`${get}dial tcp registry.example:443: connect: network is unreachable`);
  expect(text("DEPTH_ZERO_SELF_SIGNED_CERT")).toContain("x509: certificate signed by unknown authority");
  expect(text("ESOMETHING")).toBe(`${get}raw`);
});

test("what may pass is told from what will not", () => {
  const of = (error: unknown): boolean[] => [isTransient(error), isNoAnswer(error)];
  expect(of(connectionFailure(url, system("ECONNRESET")))).toEqual([true, true]);
  expect(of(connectionFailure(url, system("ENOTFOUND")))).toEqual([false, true]);
  expect(of(connectionFailure(url, system("CERT_HAS_EXPIRED")))).toEqual([false, true]);
  expect(of(truncatedFailure(url))).toEqual([true, true]);
  expect(of(statusFailure(url, 503, null))).toEqual([true, false]);
  expect(of(statusFailure(url, 418, null))).toEqual([false, false]);
  expect(of(refusedFailure(url, "no"))).toEqual([false, false]);
  expect(of(failure("registry-refused", { message: "x" }, statusFailure(url, 429, null)))).toEqual([
    true,
    false,
  ]);
  expect(of(system("ECONNRESET"))).toEqual([false, false]);
});

test("Retry-After: seconds or a date, at most a minute", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(parseRetryAfter("7", now)).toBe(7000);
  expect(parseRetryAfter("Thu, 01 Jan 2026 00:00:09 GMT", now)).toBe(9000);
  expect(parseRetryAfter("Thu, 01 Jan 2025 00:00:09 GMT", now)).toBe(0);
  expect(parseRetryAfter("99999999999", now)).toBe(60_000);
  expect([parseRetryAfter("soon", now), parseRetryAfter(null, now)]).toEqual([undefined, undefined]);
  expect(retryAfterOf(failure("registry-refused", { message: "x" }, statusFailure(url, 429, "3")))).toBe(
    3000,
  );
});
