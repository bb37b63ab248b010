import { expect, test } from "bun:test";
import { apiVersion, minimumApiVersion, newest, parseVersion } from "./versions.ts";

test("what is claimed is what is answered", () => {
  expect([minimumApiVersion, apiVersion, newest]).toEqual(["1.24", "1.51", 51]);
  expect([parseVersion(minimumApiVersion), parseVersion(apiVersion), parseVersion("1.40")]).toEqual([
    24, 51, 40,
  ]);
});

test("a third part is ignored as long as it stays in range", () => {
  expect(parseVersion("1.44.7")).toBe(44);
  expect(parseVersion("1.24.0")).toBe(24);
  expect(() => parseVersion("1.51.1")).toThrow(
    "client version 1.51.1 is too new. Maximum supported API version is 1.51",
  );
});

test.each(["1.23", "1.9", "0.99", "1.23.9"])("%s is too old", (version) => {
  expect(() => parseVersion(version)).toThrow(
    `client version ${version} is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version`,
  );
});

test.each(["1.52", "1.100", "2.0", "2"])("%s is too new", (version) => {
  expect(() => parseVersion(version)).toThrow(
    `client version ${version} is too new. Maximum supported API version is 1.51`,
  );
});
