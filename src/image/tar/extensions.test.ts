import { expect, test } from "bun:test";
import { limits } from "./entry.ts";
import { Extensions } from "./extensions.ts";
import type { PaxRecord } from "./pax.ts";

const record = (key: string, value: string): PaxRecord => ({ key, value: Buffer.from(value) });

test("an entry's own records win over global ones, which outlive it", () => {
  const extensions = new Extensions();
  extensions.addGlobal([record("path", "global"), record("uid", "5"), record("mtime", "1.5")], 30);
  expect([extensions.path(), extensions.integer("uid")]).toEqual(["global", 5]);
  extensions.local = [record("path", "first"), record("path", "own"), record("linkpath", "to")];
  expect([extensions.path(), extensions.linkPath(), extensions.integer("uid")]).toEqual(["own", "to", 5]);
  expect(extensions.time("mtime")).toEqual({ sec: 1, nsec: 500_000_000 });
  extensions.reset();
  expect([extensions.path(), extensions.linkPath()]).toEqual(["global", undefined]);
  expect(extensions.local).toEqual([]);
});

test("an empty value takes a field back", () => {
  const extensions = new Extensions();
  extensions.local = [record("path", "")];
  expect(extensions.path()).toBeUndefined();
});

test("GNU's long names come before PAX's, a sparse file's own before both PAX names", () => {
  const extensions = new Extensions();
  extensions.local = [record("path", "GNUSparseFile.0/x"), record("GNU.sparse.name", "x")];
  expect(extensions.path()).toBe("x");
  extensions.longPath = "long";
  extensions.longLink = "link";
  expect([extensions.path(), extensions.linkPath()]).toEqual(["long", "link"]);
  extensions.reset();
  expect([extensions.path(), extensions.linkPath()]).toEqual([undefined, undefined]);
});

test("attributes: of both kinds, an empty value is an empty attribute", () => {
  const extensions = new Extensions();
  expect(extensions.xattrs().size).toBe(0);
  extensions.addGlobal([record("SCHILY.xattr.user.a", "1"), record("SCHILY.xattr.user.b", "1")], 1);
  extensions.local = [
    record("SCHILY.xattr.user.b", "2"),
    record("SCHILY.xattr.user.c", ""),
    record("LIBARCHIVE.xattr.x", "3"),
  ];
  expect([...extensions.xattrs()].map(([key, value]) => [key, Buffer.from(value).toString()])).toEqual([
    ["user.a", "1"],
    ["user.b", "2"],
    ["user.c", ""],
  ]);
  for (const key of ["SCHILY.xattr.", "SCHILY.xattr.a\0b"]) {
    extensions.local = [record(key, "x")];
    expect(() => extensions.xattrs()).toThrow("invalid attribute name");
  }
});

test("global headers have a bound all together", () => {
  const extensions = new Extensions();
  extensions.addGlobal([], limits.pax);
  expect(() => extensions.addGlobal([], 1)).toThrow("global extended headers are too large");
});
