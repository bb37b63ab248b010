import { expect, test } from "bun:test";
import { familiar, parseReference, tagOrDigest } from "./reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["busybox", "busybox:latest"],
  ["docker.io/library/busybox:1", "busybox:1"],
  ["docker.io/user/app", "user/app:latest"],
  ["localhost:5000/app", "localhost:5000/app:latest"],
  [`busybox@${digest}`, `busybox@${digest}`],
])("%s is shown as %s", (given, shown) => {
  expect(familiar(given)).toBe(shown);
});

test("a digest comes before a tag", () => {
  expect(tagOrDigest(parseReference(`busybox:1@${digest}`))).toBe(digest);
  expect(tagOrDigest(parseReference("busybox:1"))).toBe("1");
  expect(tagOrDigest(parseReference("busybox"))).toBeUndefined();
});

test("upper case is no name", () => {
  expect(() => familiar("Busybox")).toThrow("must be lowercase");
});
