import { expect, test } from "bun:test";
import { detectCgroups } from "./detect.ts";
import { debian9, fakeHost, hybrid, nested, unified } from "./fake-host.ts";

test("version 1: every mounted hierarchy with its controllers; what isn't mounted doesn't count", () => {
  const host = detectCgroups(debian9);
  expect([host.version, host.hybrid, host.hierarchies.length]).toEqual([1, false, 10]);
  expect(host.hierarchies.find(({ controllers }) => controllers.includes("cpuacct"))).toEqual({
    version: 1,
    controllers: ["cpu", "cpuacct"],
    mountPoint: "/sys/fs/cgroup/cpu,cpuacct",
    own: "/system.slice",
  });
  expect(host.hierarchies.at(-1)?.controllers).toEqual(["name=systemd"]);
  expect(host.cpuset).toEqual({ cpus: "0-3", mems: "0" });
  expect(host.files.get("/sys/fs/cgroup/memory")?.has("memory.limit_in_bytes")).toBe(true);
});

test("hybrid: version 1 limits, version 2 is not joined", () => {
  const host = detectCgroups(hybrid);
  expect([host.version, host.hybrid]).toEqual([1, true]);
  expect(host.hierarchies.map(({ mountPoint }) => mountPoint)).toEqual([
    "/sys/fs/cgroup/pids",
    "/sys/fs/cgroup/memory",
    "/sys/fs/cgroup/cpuset",
  ]);
});

test("version 2: one hierarchy, its controllers, the engine's own cgroup", () => {
  expect(detectCgroups(unified)).toMatchObject({
    version: 2,
    hybrid: false,
    hierarchies: [
      {
        version: 2,
        controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"],
        mountPoint: "/sys/fs/cgroup",
        own: "/system.slice/caisson.service",
      },
    ],
  });
});

test("in a container paths count from what is mounted there", () => {
  const { hierarchies } = detectCgroups(nested);
  expect(hierarchies.map(({ mountPoint, own }) => [mountPoint, own])).toEqual([
    ["/sys/fs/cgroup/a b", "/init"],
    ["/sys/fs/cgroup/memory", "/"],
  ]);
});

test("a named hierarchy beside version 2 doesn't make the host version 1", () => {
  const host = detectCgroups(
    fakeHost({
      "/proc/self/mountinfo": `30 22 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
31 22 0:28 / /mnt/systemd rw - cgroup cgroup rw,name=systemd
`,
      "/proc/self/cgroup": "1:name=systemd:/\n0::/\n",
      "/sys/fs/cgroup/cgroup.controllers": "memory",
    }),
  );
  expect([host.version, host.hierarchies.length]).toEqual([2, 1]);
});

test("a machine without cgroups has none", () => {
  expect(detectCgroups(fakeHost({})).hierarchies).toEqual([]);
});
