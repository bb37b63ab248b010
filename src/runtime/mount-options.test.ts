import { expect, test } from "bun:test";
import { parseMountOptions } from "./mount-options.ts";

test("options become attributes, propagation and data", () => {
  const options = parseMountOptions("/x", ["rbind", "ro", "nosuid", "rslave", "idmap"]);
  expect(options).toMatchObject({ bind: true, recursive: true, idmap: true, propagationRecursive: true });
  expect(options.set.text).toBe("MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID");
  expect(options.propagation?.text).toBe("MS_SLAVE");
  expect(parseMountOptions("/x", ["mode=755", "newinstance"]).data).toEqual([
    ["mode", "755"],
    ["newinstance"],
  ]);
});

test("later options win", () => {
  const options = parseMountOptions("/x", ["ro", "rw", "noexec", "exec", "noexec"]);
  expect(options.set.text).toBe("MOUNT_ATTR_NOEXEC");
  expect(options.clear.text).toBe("MOUNT_ATTR_RDONLY");
});

test("whoever sets an access-time attribute clears the field", () => {
  const options = parseMountOptions("/x", ["noatime"]);
  expect([options.set.text, options.clear.text]).toEqual(["MOUNT_ATTR_NOATIME", "MOUNT_ATTR__ATIME"]);
});

test("recursive attributes go to the mounts below too", () => {
  expect(parseMountOptions("/x", ["bind", "rro"]).recursiveSet.text).toBe("MOUNT_ATTR_RDONLY");
});

test("an option that nobody knows is refused on a bind, which has no file system to take it", () => {
  expect(() => parseMountOptions("/x", ["bind", "nonsense"])).toThrow("mount /x: unknown option nonsense");
});
