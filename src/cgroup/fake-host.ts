/**
 * Made-up hosts for unit tests: what /proc and /sys say on each kind of machine.
 * @module
 */
import type { HostFiles } from "./detect.ts";

/** A host whose files are `files`; a directory lists what lies directly in it. */
export function fakeHost(files: Readonly<Record<string, string>>): HostFiles {
  return {
    read: (path) => files[path],
    list: (path) =>
      Object.keys(files)
        .filter((name) => name.startsWith(`${path}/`))
        .map((name) => name.slice(path.length + 1).split("/")[0] ?? ""),
  };
}

/** Version 1 as systemd mounts it: cpu with cpuacct, net_cls with net_prio. */
export const debian9: HostFiles = fakeHost({
  "/proc/self/mountinfo": `25 19 0:21 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:22 / /sys/fs/cgroup/systemd rw,nosuid,nodev shared:10 - cgroup cgroup rw,xattr,name=systemd
28 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:13 - cgroup cgroup rw,cpu,cpuacct
29 25 0:25 / /sys/fs/cgroup/memory rw,nosuid shared:14 - cgroup cgroup rw,memory
30 25 0:26 / /sys/fs/cgroup/cpuset rw,nosuid shared:15 - cgroup cgroup rw,cpuset
31 25 0:27 / /sys/fs/cgroup/devices rw,nosuid shared:16 - cgroup cgroup rw,devices
32 25 0:28 / /sys/fs/cgroup/pids rw,nosuid shared:17 - cgroup cgroup rw,pids
33 25 0:29 / /sys/fs/cgroup/blkio rw,nosuid shared:18 - cgroup cgroup rw,blkio
34 25 0:30 / /sys/fs/cgroup/freezer rw,nosuid shared:19 - cgroup cgroup rw,freezer
35 25 0:31 / /sys/fs/cgroup/hugetlb rw,nosuid shared:20 - cgroup cgroup rw,hugetlb
36 25 0:32 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid shared:21 - cgroup cgroup rw,net_cls,net_prio
`,
  "/proc/self/cgroup": `11:net_cls,net_prio:/
10:hugetlb:/
9:freezer:/
8:blkio:/
7:pids:/system.slice/caisson.service
6:devices:/system.slice
5:cpuset:/
4:memory:/system.slice/caisson.service
3:cpu,cpuacct:/system.slice
2:perf_event:/
1:name=systemd:/system.slice/caisson.service
`,
  "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-3\n",
  "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
});

/** Three controllers of version 1, and an empty version 2. */
export const hybrid: HostFiles = fakeHost({
  "/proc/self/mountinfo": `30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:28 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
38 30 0:35 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`,
  "/proc/self/cgroup": "8:pids:/\n4:memory:/process_api/f7\n3:cpuset:/\n0::/\n",
  "/sys/fs/cgroup/unified/cgroup.controllers": "\n",
  "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-1\n",
  "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
});

/** Version 2 alone, the engine as a service of systemd. */
export const unified: HostFiles = fakeHost({
  "/proc/self/mountinfo":
    "29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
  "/proc/self/cgroup": "0::/system.slice/caisson.service\n",
  "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n",
});

/** The engine in a container on a host of version 1, without a cgroup namespace. */
export const nested: HostFiles = fakeHost({
  "/proc/self/mountinfo": `50 40 0:31 /docker/c0ffee /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory
51 40 0:35 /docker/c0ffee /sys/fs/cgroup/a\\040b ro,nosuid - cgroup cgroup rw,pids
`,
  "/proc/self/cgroup": "8:pids:/docker/c0ffee/init\n4:memory:/docker/c0ffee\n",
});
