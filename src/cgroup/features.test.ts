import { describe, expect, test } from "bun:test";
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

describe("version 2: by controller; swap and weights by the engine's own cgroup", () => {
  const own = "/sys/fs/cgroup/system.slice/caisson.service";
  const those = ["swapLimit", "blockIOWeight", "blockIOWeightDevice"];
  const seen = (files: Readonly<Record<string, string>>): string[] => {
    const host = fakeHost({
      "/proc/self/mountinfo": unified.read("/proc/self/mountinfo") ?? "",
      "/proc/self/cgroup": unified.read("/proc/self/cgroup") ?? "",
      "/sys/fs/cgroup/cgroup.controllers": "memory io",
      ...files,
    });
    return supported(cgroupFeatures(detectCgroups(host)));
  };

  test("whose files tell where its parent gives it the controllers", () => {
    const none = { [`${own}/memory.max`]: "max", [`${own}/io.max`]: "" };
    const rest = ["memoryLimit", "memoryReservation", "blockIOThrottle"];
    expect(seen(none)).toEqual(rest);
    const all = { ...none, [`${own}/memory.swap.max`]: "max", [`${own}/io.weight`]: "default 100" };
    expect(seen(all).toSorted()).toEqual([...rest, ...those].toSorted());
    expect(seen({ ...none, [`${own}/io.bfq.weight`]: "default 100" })).toContain("blockIOWeight");
  });

  test("which can't tell where it has none of a controller's files", () => {
    expect(seen({})).toEqual(expect.arrayContaining(those));
  });
});
