/**
 * What a container finds at /sys/fs/cgroup. Both versions are bound from the container's own directories: that works
 * with and without a cgroup namespace, and shows nothing of other containers.
 * @module
 */
import { basename } from "node:path/posix";
import type { Cgroup, CgroupMounts } from "./types.ts";

/** Version 1: a tmpfs with a directory for each hierarchy, named as on the host, and links for each controller. */
export function mountsV1(cgroup: Cgroup): CgroupMounts {
  const binds: { source: string; name: string }[] = [];
  const links: { name: string; target: string }[] = [];
  for (const { hierarchy, path } of cgroup.directories) {
    const name = basename(hierarchy.mountPoint);
    binds.push({ source: path, name });
    for (const controller of hierarchy.controllers) {
      const link = controller.replace(/^name=/, "");
      if (link !== name) links.push({ name: link, target: name });
    }
  }
  return { tmpfs: true, binds, links };
}

/** Version 2: its own directory, or without a cgroup namespace the whole hierarchy, whose paths it sees in /proc. */
export function mountsV2(cgroup: Cgroup, namespace: "private" | "host"): CgroupMounts {
  const binds = cgroup.directories.map(({ hierarchy, path }) => ({
    source: namespace === "private" ? path : hierarchy.mountPoint,
    name: "",
  }));
  return { tmpfs: false, binds, links: [] };
}
