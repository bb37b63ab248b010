import { expect, test } from "bun:test";
import { lstatSync } from "node:fs";
import { hostDevicePaths, mappedDevices } from "./host-devices.ts";

test("the host's devices: nodes alone, none of terminals, shared memory, links, nor what every container has", () => {
  const paths = hostDevicePaths();
  for (const path of paths) {
    const stat = lstatSync(path);
    expect(stat.isCharacterDevice() || stat.isBlockDevice()).toBe(true);
  }
  expect(paths).not.toContain("/dev/null");
  expect(paths.filter((path) => /^\/dev\/(pts|shm|mqueue|fd|console)(\/|$)/.test(path))).toEqual([]);
});

test("what a folder's device mapping gives: all below, at the same places", () => {
  const mapping = { PathOnHost: "/dev/pts", PathInContainer: "/dev/x", CgroupPermissions: "" };
  const below = mappedDevices(mapping);
  expect(below.find(({ path }) => path === "/dev/x/ptmx")).toMatchObject({ type: "c", access: "rwm" });
  const one = mappedDevices({ ...mapping, PathOnHost: "/dev/null", CgroupPermissions: "r" });
  expect(one).toEqual([{ type: "c", major: 1, minor: 3, mode: 0o666, path: "/dev/x", access: "r" }]);
  expect(() => mappedDevices({ ...mapping, PathOnHost: "/etc" })).toThrow("not a device node");
  expect(() => mappedDevices({ ...mapping, PathOnHost: "/nowhere" })).toThrow("no such file or directory");
});
