import { expect, test } from "bun:test";
import { isInitial } from "./initial-files.ts";

const stat = (mode: number, size = 0): Parameters<typeof isInitial>[1] => ({
  mode,
  size,
  uid: 0,
  gid: 0,
  links: 1,
  stored: 0,
  identity: "1:1:1",
  mtime: { sec: 0, nsec: 0 },
  major: 0,
  minor: 0,
});

test.each([
  [".dockerenv", stat(0o100755)],
  ["etc/hosts", stat(0o100644)],
  ["dev", stat(0o040755)],
  ["dev/shm", stat(0o040755)],
])("%p is there in every container", (path, found) => {
  expect(isInitial(path.split("/"), found)).toBe(true);
});

test.each([
  ["etc/hosts", stat(0o100644, 9)],
  ["etc/passwd", stat(0o100644)],
  ["dev", stat(0o040700)],
  ["dev/null", stat(0o100644)],
  ["etc/hosts", stat(0o040755)],
  ["sub/etc/hosts", stat(0o100644)],
])("%p as it was found is a change", (path, found) => {
  expect(isInitial(path.split("/"), found)).toBe(false);
});
