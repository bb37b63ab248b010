import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  canonicalReference,
  checkTaggable,
  familiarName,
  familiarReference,
  parseImageQuery,
  parseReference,
  withDefaultTag,
  withTag,
} from "./reference.ts";

const hex = "ab".repeat(32);

test.each([
  ["busybox", "docker.io/library/busybox", "busybox"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["library/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["index.docker.io/a/b", "docker.io/a/b", "a/b"],
  ["docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"],
  ["a/b/c:x", "docker.io/a/b/c:x", "a/b/c:x"],
  ["localhost/a", "localhost/a", "localhost/a"],
  ["localhost:5000/a:b", "localhost:5000/a:b", "localhost:5000/a:b"],
  ["localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"],
  ["host/a", "docker.io/host/a", "host/a"],
  ["Host/a", "Host/a", "Host/a"],
  ["[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"],
  ["1.2.3.4/a__b/c--d", "1.2.3.4/a__b/c--d", "1.2.3.4/a__b/c--d"],
  [`x@sha256:${hex}`, `docker.io/library/x@sha256:${hex}`, `x@sha256:${hex}`],
  [`x:t@sha256:${hex}`, `docker.io/library/x:t@sha256:${hex}`, `x:t@sha256:${hex}`],
  ["sha256:abc", "docker.io/library/sha256:abc", "sha256:abc"],
  ["x:Tag_.-", "docker.io/library/x:Tag_.-", "x:Tag_.-"],
  ["a.b", "docker.io/library/a.b", "a.b"],
])("%s is %s", (text, canonical, familiar) => {
  const reference = parseReference(text);
  expect([canonicalReference(reference), familiarReference(reference)]).toEqual([canonical, familiar]);
  expect(parseReference(canonical)).toEqual(reference);
});

test.each([
  ["", "invalid reference format"],
  [":x", "invalid reference format"],
  ["x:", "invalid reference format"],
  ["x/", "invalid reference format"],
  ["-x", "invalid reference format"],
  ["a//b", "invalid reference format"],
  ["a..b", "invalid reference format"],
  ["a___b", "invalid reference format"],
  ["x y", "invalid reference format"],
  ["x\n", "invalid reference format"],
  ["../x", "invalid reference format"],
  ["https://x/y", "invalid reference format"],
  [`x:${"t".repeat(129)}`, "invalid reference format"],
  ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
  ["a/Bb:c", "invalid reference format: repository name (a/Bb) must be lowercase"],
  ["Host/A", "invalid reference format: repository name (A) must be lowercase"],
  [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  [`a/${"b".repeat(255)}`, "repository name must not be more than 255 characters"],
  [`x@sha256:${"a".repeat(40)}`, "invalid checksum digest length"],
  [`x@foo:${hex}`, "unsupported digest algorithm"],
  [`x@sha256:${hex.toUpperCase()}`, "invalid checksum digest format"],
])("%j is refused", (text, message) => {
  expect(() => parseReference(text)).toThrow(message);
  let error: unknown;
  try {
    parseReference(text);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "invalid-reference", message });
});

test("an image is named by a reference, by an ID or by its start", () => {
  expect(parseImageQuery(hex)).toEqual({ idPrefix: hex });
  expect(parseImageQuery(`sha256:${hex}`)).toEqual({ idPrefix: hex });
  expect(parseImageQuery("abc")).toEqual({ reference: parseReference("abc"), idPrefix: "abc" });
  expect(parseImageQuery("sha256:abc").idPrefix).toBe("abc");
  expect(parseImageQuery("busybox").idPrefix).toBeUndefined();
});

test("tags", () => {
  expect(withDefaultTag(parseReference("x")).tag).toBe("latest");
  expect(withDefaultTag(parseReference(`x@sha256:${hex}`)).tag).toBeUndefined();
  expect(familiarReference(withTag(parseReference("x:1"), "2"))).toBe("x:2");
  expect(() => withTag(parseReference("x"), "-")).toThrow("invalid tag format");
  expect(() => checkTaggable(parseReference("sha256:abc"))).toThrow("ambiguous tag");
  expect(() => checkTaggable(parseReference(`x@sha256:${hex}`))).toThrow("digest reference");
  checkTaggable(parseReference("x:sha256"));
  expect(familiarName(parseReference("x:1"))).toBe("x");
});

test("any text gives a reference that reads the same again, or invalid-reference", () => {
  const text = fc.stringMatching(/^[a-zA-Z0-9._:/@-]{0,40}$/);
  fc.assert(
    fc.property(text, (value) => {
      try {
        const reference = parseReference(value);
        expect(parseReference(familiarReference(reference))).toEqual(reference);
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid-reference" });
      }
    }),
    { numRuns: 2000 },
  );
});
