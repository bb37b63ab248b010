import { expect, test } from "bun:test";
import { detectCgroups } from "./detect.ts";
import { fakeHost, hybrid, unified } from "./fake-host.ts";
import { cgroupFeatures, type CgroupFeatures } from "./features.ts";

function supported(features: CgroupFeatures): string[] {
  return Object.entries(features)
    .filter(([, value]) => value === true)
    .map(([name]) => name);
}

test("version 1: what has its file", () => {
  const files = fakeHost({
    "/proc/self/mountinfo": hybrid.read("/proc/self/mountinfo") ?? "",
    "/proc/self/cgroup": hybrid.read("/proc/self/cgroup") ?? "",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "",
    "/sys/fs/cgroup/memory/memory.oom_control": "",
    "/sys/fs/cgroup/pids/cgroup.procs": "",
    "/sys/fs/cgroup/cpuset/cpuset.cpus": "",
    "/sys/fs/cgroup/memory/cpu.shares": "",
  });
  expect(supported(cgroupFeatures(detectCgroups(files)))).toEqual([
    "memoryLimit",
    "oomKillDisable",
    "cpuset",
    "pidsLimit",
  ]);
});

test("version 2: by controller; swap and weights by the engine's own cgroup, whose files tell", () => {
  const every = ["memoryLimit", "memoryReservation", "cpuShares", "cpuCfsPeriod", "cpuCfsQuota", "cpuset"];
  const rest = ["pidsLimit", "blockIOThrottle"];
  expect(supported(cgroupFeatures(detectCgroups(unified)))).toEqual([...every, ...rest]);
  const own = "/sys/fs/cgroup/system.slice/caisson.service";
  const files = fakeHost({
    "/proc/self/mountinfo": unified.read("/proc/self/mountinfo") ?? "",
    "/proc/self/cgroup": unified.read("/proc/self/cgroup") ?? "",
    "/sys/fs/cgroup/cgroup.controllers": "memory io",
    [`${own}/memory.swap.max`]: "max",
    [`${own}/io.weight`]: "default 100",
  });
  expect(supported(cgroupFeatures(detectCgroups(files)))).toEqual([
    "memoryLimit",
    "swapLimit",
    "memoryReservation",
    "blockIOWeight",
    "blockIOWeightDevice",
    "blockIOThrottle",
  ]);
});
