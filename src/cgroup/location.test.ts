import { expect, test } from "bun:test";
import { detectCgroups } from "./detect.ts";
import { debian9, unified } from "./fake-host.ts";
import { cgroupPaths, directoryFor, directoryOf, locateCgroup } from "./location.ts";

const [v1, v2] = [detectCgroups(debian9), detectCgroups(unified)];

test("an absolute path is from each mount point; its parents come from the top", () => {
  const cgroup = locateCgroup(v1, "/docker/c1");
  expect(directoryOf(cgroup, "memory")).toBe("/sys/fs/cgroup/memory/docker/c1");
  expect(directoryOf(cgroup, "cpu")).toBe("/sys/fs/cgroup/cpu,cpuacct/docker/c1");
  expect(cgroup.directories.find(({ path }) => path.includes("/memory/"))?.parents).toEqual([
    "/sys/fs/cgroup/memory/docker",
  ]);
  expect(
    locateCgroup(v1, "/").directories.every(
      ({ path, hierarchy, parents }) => path === hierarchy.mountPoint && parents.length === 0,
    ),
  ).toBe(true);
});

test("a relative one is below the engine's own cgroup; of version 2 beside it, as processes and children exclude each other", () => {
  expect(directoryOf(locateCgroup(v1, "x/c1"), "memory")).toBe(
    "/sys/fs/cgroup/memory/system.slice/caisson.service/x/c1",
  );
  expect(directoryOf(locateCgroup(v1, "x/c1"), "cpuset")).toBe("/sys/fs/cgroup/cpuset/x/c1");
  expect(directoryOf(locateCgroup(v2, "x/c1"), "memory")).toBe("/sys/fs/cgroup/system.slice/x/c1");
});

test("no path leads out", () => {
  expect(directoryOf(locateCgroup(v2, "/../../etc"), "memory")).toBe("/sys/fs/cgroup/etc");
  expect(directoryOf(locateCgroup(v2, "../../../x"), "memory")).toBe("/sys/fs/cgroup/system.slice/x");
  expect(locateCgroup(v2, "/a/./b//c/../d").path).toBe("/a/b/d");
});

test("a limit whose controller isn't there is named", () => {
  const cgroup = locateCgroup(v1, "/c1");
  expect(directoryFor(cgroup, "pids", "pids limit")).toBe("/sys/fs/cgroup/pids/c1");
  expect(() => directoryFor(cgroup, "rdma", "RDMA limits")).toThrow(/RDMA limits.*rdma/);
});

test("paths by their controllers, as the OCI state has them", () => {
  expect(Object.fromEntries(cgroupPaths(locateCgroup(v2, "/c1")))).toEqual({ "": "/sys/fs/cgroup/c1" });
  expect(cgroupPaths(locateCgroup(v1, "/c1")).get("cpu,cpuacct")).toBe("/sys/fs/cgroup/cpu,cpuacct/c1");
});
