import { expect, test } from "bun:test";
import { negotiateEncoding } from "./content-encoding.ts";

test.each([
  [undefined, undefined],
  ["", undefined],
  ["identity", undefined],
  ["gzip", "gzip"],
  ["deflate, gzip", "gzip"],
  ["gzip;q=0.5, deflate", "deflate"],
  ["gzip;q=0, deflate;q=0.1", "deflate"],
  ["*", "gzip"],
  ["gzip;q=0", undefined],
  ["GZIP", "gzip"],
  ["br, gzip;q=x", undefined],
])("%p: %p", (header, expected) => {
  expect(negotiateEncoding(header, ["gzip", "deflate"])).toBe(expected as never);
});
