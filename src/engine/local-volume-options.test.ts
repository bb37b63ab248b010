import { expect, test } from "bun:test";
import { backingOf, boundFolder, checkLocalOptions, unmappableType } from "./local-volume-options.ts";

test.each([
  [{ foo: "1" }, 'create v: invalid option: "foo"'],
  [{ type: "tmpfs" }, 'create v: missing required option: "device"'],
  [{ device: "x" }, 'create v: missing required option: "type"'],
  [{ o: "ro" }, 'create v: missing required option: "device"'],
  [{ size: "1g" }, "create v: quota size requested but no quota support"],
  [{ size: "x" }, "create v: invalid size: 'x'"],
  [{ type: "cifs", device: "//h:80/s" }, "create v: port not allowed in CIFS device URL"],
])("%j is refused", (options, text) => {
  expect(() => checkLocalOptions("v", options as Record<string, string>)).toThrow(text);
});

test("what is mounted as a volume", () => {
  expect(backingOf(null)).toBeUndefined();
  expect(backingOf({ size: "0" })).toBeUndefined();
  const tmpfs = backingOf({ type: "tmpfs", device: "tmpfs", o: "size=1m,uid=5" });
  expect(tmpfs).toEqual({ type: "tmpfs", device: "tmpfs", options: ["size=1m", "uid=5"] });
  expect(tmpfs && boundFolder(tmpfs)).toBeUndefined();
  expect(boundFolder({ type: "none", device: "/srv", options: ["ro", "bind"] })).toBe("/srv");
});

test("file systems with mapped ids, by the kernel's version", () => {
  expect(unmappableType("tmpfs", [6, 1])).toBe("the file system tmpfs has mapped ids since Linux 6.3");
  expect(unmappableType("tmpfs", [6, 3])).toBeUndefined();
  expect(unmappableType("ext4", [6, 1])).toBeUndefined();
  expect(unmappableType("nfs", [6, 18])).toBe("the file system nfs has no mapped ids");
});
