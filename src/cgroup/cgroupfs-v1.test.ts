import { expect, test } from "bun:test";
import { int, ProgramBuilder, printProgram } from "../kernel/mod.ts";
import { detectCgroups } from "./detect.ts";
import { debian9, hybrid, nested } from "./fake-host.ts";
import { cgroupDriver } from "./mod.ts";
import { cgroupPaths } from "./location.ts";
import type { LiveResources, Resources } from "./types.ts";

const merged = cgroupDriver("cgroupfs", detectCgroups(debian9));
const small = cgroupDriver("cgroupfs", detectCgroups(hybrid));

function created(resources: Resources, driver = merged): string {
  const b = new ProgramBuilder();
  driver.create(b, driver.locate("/docker", "c1"), resources);
  return printProgram(b.build());
}

function updated(resources: LiveResources): string {
  const b = new ProgramBuilder();
  merged.update(b, merged.locate("/docker", "c1"), resources);
  return printProgram(b.build());
}

test("a whole life: parents, limits, joining by pid and by itself, freezing, removal", () => {
  const b = new ProgramBuilder();
  const cgroup = small.locate(small.defaultParent, "c0ffee");
  small.prepareParent(b, cgroup);
  const made = small.create(b, cgroup, {
    memory: { limit: 64 << 20, swap: 128 << 20 },
    pids: { limit: 50 },
    cpu: { cpus: "0" },
  });
  const channel = b.slot("channel");
  const entrance = small.openEntrance(b, made);
  const pid = b.clone("make the process", { flags: int(0, "0"), channel }, () => {
    small.enter(b, entrance);
    small.closeEntrance(b, entrance);
  });
  small.closeEntrance(b, entrance);
  small.join(b, made, pid);
  small.join(b, made, "self");
  small.remove(b, cgroup);
  expect(printProgram(b.build())).toMatchSnapshot();
});

test("every resource of version 1 has its file", () => {
  expect(
    created({
      memory: {
        limit: 1e6,
        swap: -1,
        reservation: 5e5,
        kernelTCP: 1e5,
        swappiness: 0,
        disableOOMKiller: true,
      },
      cpu: {
        shares: 512,
        quota: 50_000,
        period: 100_000,
        burst: 1000,
        realtimeRuntime: 5000,
        realtimePeriod: 10_000,
        cpus: "0-1",
        mems: "0",
        idle: 0,
      },
      pids: { limit: -1 },
      blockIO: {
        weight: 300,
        weightDevice: [{ major: 8, minor: 0, weight: 500 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
        throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 4 }],
      },
      hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
      network: { classID: 0x100001, priorities: [{ name: "eth0", priority: 5 }] },
    }),
  ).toMatchSnapshot();
});

test("device rules keep their order and open each file once", () => {
  const program = created({
    devices: [
      { allow: false, type: "a", access: "rwm" },
      { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
      { allow: true, type: "b", access: "m" },
      { allow: false, type: "c", major: 10, access: "w" },
    ],
  });
  expect(program.slice(program.indexOf("# open devices.deny"))).toMatchSnapshot();
});

test("live changes go in an order that the kernel accepts, whatever the old values are", () => {
  expect(updated({ memory: { limit: 1, swap: 2 }, cpu: { period: 1000, quota: 500 } })).toMatchSnapshot();
});

test("nothing is written for what isn't set", () => {
  expect(updated({ memory: {}, cpu: { shares: undefined }, blockIO: {} })).toBe("\n");
});

test("a limit without its controller is refused before anything runs", () => {
  expect(() => created({ cpu: { shares: 2 } }, small)).toThrow(
    "cannot set CPU limits: this host has no cgroup controller cpu",
  );
  expect(() => created({ rdma: { mlx: { hcaHandles: 1 } } })).toThrow("no cgroup controller rdma");
  expect(() => created({ unified: { "memory.high": "1" } })).toThrow("cannot use unified on cgroup v1");
});

test("paths: absolute from the mount point, relative from the engine's own, never above", () => {
  expect(cgroupPaths(merged.locate("/docker", "c1")).get("cpu,cpuacct")).toBe(
    "/sys/fs/cgroup/cpu,cpuacct/docker/c1",
  );
  expect(cgroupPaths(merged.locate("build", "c1")).get("memory")).toBe(
    "/sys/fs/cgroup/memory/system.slice/caisson.service/build/c1",
  );
  expect(cgroupPaths(merged.locate("../../..", "c1")).get("freezer")).toBe("/sys/fs/cgroup/freezer/c1");
  const inside = cgroupDriver("cgroupfs", detectCgroups(nested));
  expect(cgroupPaths(inside.locate("/docker", "c1")).get("memory")).toBe("/sys/fs/cgroup/memory/docker/c1");
});

test("inside: a directory for each hierarchy as named on the host, a link for each merged controller", () => {
  const mounts = merged.mounts(merged.locate("/docker", "c1"), "host");
  expect(mounts.tmpfs).toBe(true);
  expect(mounts.binds).toContainEqual({
    name: "cpu,cpuacct",
    source: "/sys/fs/cgroup/cpu,cpuacct/docker/c1",
  });
  expect(mounts.links).toEqual([
    { name: "net_cls", target: "net_cls,net_prio" },
    { name: "net_prio", target: "net_cls,net_prio" },
    { name: "cpu", target: "cpu,cpuacct" },
    { name: "cpuacct", target: "cpu,cpuacct" },
  ]);
});

test("freezing asks, reads the state, and knows FREEZING from FROZEN", () => {
  const b = new ProgramBuilder();
  const cgroup = merged.locate("/docker", "c1");
  merged.freeze(b, cgroup);
  merged.thaw(b, cgroup);
  expect(printProgram(b.build())).toMatchSnapshot();
  expect(merged.isFrozen(Buffer.from("FREEZING\n"))).toBe(false);
  expect(merged.isFrozen(Buffer.from("FROZEN\n\0\0"))).toBe(true);
});
