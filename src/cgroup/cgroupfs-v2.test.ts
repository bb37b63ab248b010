import { expect, test } from "bun:test";
import { int, ProgramBuilder, printProgram } from "../kernel/mod.ts";
import { detectCgroups } from "./detect.ts";
import { unified } from "./fake-host.ts";
import { cgroupPaths } from "./location.ts";
import { cgroupDriver } from "./mod.ts";
import type { LiveResources, Resources } from "./types.ts";

const driver = cgroupDriver("cgroupfs", detectCgroups(unified));

function created(resources: Resources): string {
  const b = new ProgramBuilder();
  driver.create(b, driver.locate("/docker", "c1"), resources);
  return printProgram(b.build());
}

function updated(resources: LiveResources): string {
  const b = new ProgramBuilder();
  driver.update(b, driver.locate("/docker", "c1"), resources);
  return printProgram(b.build());
}

test("a whole life: delegation, limits, a child born in the cgroup, removal", () => {
  const b = new ProgramBuilder();
  const cgroup = driver.locate(driver.defaultParent, "c0ffee");
  driver.prepareParent(b, cgroup);
  const made = driver.create(b, cgroup, {
    memory: { limit: 64 << 20, swap: 128 << 20 },
    pids: { limit: 50 },
    devices: [
      { allow: false, type: "a", access: "rwm" },
      { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
    ],
  });
  const entrance = driver.openEntrance(b, made);
  const options = { flags: int(0, "0"), channel: b.slot("channel"), cgroup: entrance.slot };
  const pid = b.clone("make the process", options, () => {
    driver.enter(b, entrance);
    driver.closeEntrance(b, entrance);
  });
  driver.closeEntrance(b, entrance);
  driver.join(b, cgroup, pid);
  driver.join(b, cgroup, "self");
  driver.freeze(b, cgroup);
  driver.thaw(b, cgroup);
  driver.remove(b, cgroup);
  expect(printProgram(b.build())).toMatchSnapshot();
});

test("every resource of version 2 has its file, by runc's conversions", () => {
  expect(
    updated({
      memory: { limit: 1_000_000, swap: 1_500_000, reservation: 500_000 },
      cpu: { shares: 512, quota: 50_000, period: 10_000, burst: 1000, cpus: "0-1", mems: "0", idle: 0 },
      pids: { limit: -1 },
      blockIO: {
        weight: 300,
        weightDevice: [{ major: 8, minor: 0, weight: 500 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
        throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 4 }],
      },
      hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
      rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10_000 }, mlx4_0: { hcaObjects: 1 } },
      unified: { "memory.high": "900000", "io.max": "8:0 rbps=1\n8:16 rbps=2" },
    }),
  ).toMatchSnapshot();
});

test.each([
  [{ memory: { limit: -1 } }, ['"memory.swap.max", "max"', '"memory.max", "max"']],
  [{ memory: { limit: 4096, swap: 4096 } }, ['"memory.swap.max", "0"', '"memory.max", "4096"']],
  [{ cpu: { quota: -1 } }, ['"cpu.max", "max"']],
  [{ cpu: { period: 20_000 } }, ['"cpu.max", "max 20000"']],
  [{ cpu: { shares: 1024, idle: 1 } }, ['"cpu.idle", "1"']],
] as const)("limits %p are written as %p", (resources, writes) => {
  const found = [...updated(resources).matchAll(/write\(<cgroup>, ("[^"]*", "[^"]*")/g)].map(([, w]) => w);
  expect(found).toEqual([...writes]);
});

test.each([
  [{ memory: { swap: 5 } }, "unable to set swap limit without memory limit"],
  [{ memory: { limit: 5, swap: 4 } }, "memory+swap limit should be >= memory limit"],
  [{ memory: { swappiness: 5 } }, "cannot set swappiness: cgroup v2 has no such limit"],
  [{ memory: { kernelTCP: 5 } }, "cgroup v2 has no such limit"],
  [{ memory: { disableOOMKiller: true } }, "cgroup v2 has no such limit"],
  [{ cpu: { realtimePeriod: 5 } }, "cgroup v2 has no such limit"],
  [{ network: { classID: 5 } }, "cgroup v2 has no such limit"],
  [{ unified: { "../x": "1" } }, "must be a file name (no slashes)"],
] as const)("%p is refused before anything runs", (resources, text) => {
  expect(() => updated(resources)).toThrow(text);
});

test("devices that are all allowed need no program", () => {
  expect(created({ devices: [{ allow: true, type: "a", access: "rwm" }] })).not.toContain("bpf");
});

test("paths: a relative parent lies beside the engine, never within its own cgroup", () => {
  const path = (parent: string): string | undefined => cgroupPaths(driver.locate(parent, "c1")).get("");
  expect(path("/docker")).toBe("/sys/fs/cgroup/docker/c1");
  expect(path("build")).toBe("/sys/fs/cgroup/system.slice/build/c1");
  expect(path("/../../etc")).toBe("/sys/fs/cgroup/etc/c1");
});

test("inside: its own directory, or without a namespace all of them", () => {
  const cgroup = driver.locate("/docker", "c1");
  expect(driver.mounts(cgroup, "private")).toEqual({
    tmpfs: false,
    binds: [{ source: "/sys/fs/cgroup/docker/c1", name: "" }],
    links: [],
  });
  expect(driver.mounts(cgroup, "host").binds).toEqual([{ source: "/sys/fs/cgroup", name: "" }]);
});

test("cgroup.events tells whether it is frozen", () => {
  expect(driver.isFrozen(Buffer.from("populated 1\nfrozen 1\n\0\0"))).toBe(true);
  expect(driver.isFrozen(Buffer.from("populated 1\nfrozen 0\n"))).toBe(false);
});
