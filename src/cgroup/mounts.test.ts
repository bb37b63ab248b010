import { expect, test } from "bun:test";
import { detectCgroups } from "./detect.ts";
import { debian9, unified } from "./fake-host.ts";
import { locateCgroup } from "./location.ts";
import { mountsV1, mountsV2 } from "./mounts.ts";
import type { CgroupMounts } from "./types.ts";

test("version 1: a directory for each hierarchy, and links for controllers that are called otherwise", () => {
  const { tmpfs, binds, links } = mountsV1(locateCgroup(detectCgroups(debian9), "/docker/c1"));
  expect(tmpfs).toBe(true);
  expect(binds).toContainEqual({ source: "/sys/fs/cgroup/cpu,cpuacct/docker/c1", name: "cpu,cpuacct" });
  expect(binds).toContainEqual({ source: "/sys/fs/cgroup/systemd/docker/c1", name: "systemd" });
  expect(links.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
    { name: "cpu", target: "cpu,cpuacct" },
    { name: "cpuacct", target: "cpu,cpuacct" },
    { name: "net_cls", target: "net_cls,net_prio" },
    { name: "net_prio", target: "net_cls,net_prio" },
  ]);
});

test("version 2: the container's own directory, or the whole without a namespace", () => {
  const cgroup = locateCgroup(detectCgroups(unified), "/docker/c1");
  const bind = (source: string): CgroupMounts => ({ tmpfs: false, binds: [{ source, name: "" }], links: [] });
  expect(mountsV2(cgroup, "private")).toEqual(bind("/sys/fs/cgroup/docker/c1"));
  expect(mountsV2(cgroup, "host")).toEqual(bind("/sys/fs/cgroup"));
});
