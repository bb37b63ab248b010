import { expect, test } from "bun:test";
import { lstatSync } from "node:fs";
import { hostDevicePaths } from "./host-devices.ts";

test("the host's devices: nodes alone, none of terminals, shared memory, links, nor what every container has", () => {
  const paths = hostDevicePaths();
  for (const path of paths) {
    const stat = lstatSync(path);
    expect(stat.isCharacterDevice() || stat.isBlockDevice()).toBe(true);
  }
  expect(paths).not.toContain("/dev/null");
  expect(paths.filter((path) => /^\/dev\/(pts|shm|mqueue|fd|console)(\/|$)/.test(path))).toEqual([]);
});
