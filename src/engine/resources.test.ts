import { expect, test } from "bun:test";
import { hostDevice } from "./host-devices.ts";
import { containerResources } from "./resources.ts";
import { exampleRecord } from "./testing.ts";

const resources = (host: object): ReturnType<typeof containerResources> =>
  containerResources(exampleRecord({ host }).hostConfig);

test("limits that weren't asked for are not touched", () => {
  const { memory, cpu, pids, blockIO } = resources({});
  for (const part of [memory, cpu, blockIO])
    expect(Object.values(part ?? {}).every((value) => value === undefined)).toBe(true);
  expect(pids).toBeUndefined();
});

test("Docker's limits become the cgroup's", () => {
  expect(
    resources({ Memory: 64 << 20, NanoCpus: 5e8, PidsLimit: 50, CpusetCpus: "0", BlkioWeight: 300 }),
  ).toMatchObject({
    memory: { limit: 64 << 20, swap: 128 << 20 },
    cpu: { quota: 50_000, period: 100_000, cpus: "0" },
    pids: { limit: 50 },
    blockIO: { weight: 300 },
  });
  expect(resources({ PidsLimit: -1 }).pids).toEqual({ limit: -1 });
});

test("devices are denied but for those of every container and those that were asked for", () => {
  const { devices = [] } = resources({
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/x", CgroupPermissions: "r" }],
    DeviceCgroupRules: ["c 10:* rw"],
  });
  expect(devices[0]).toEqual({ allow: false, type: "a", access: "rwm" });
  expect(devices).toContainEqual({ allow: true, type: "c", major: 1, minor: 3, access: "r" });
  expect(devices.at(-1)).toEqual({ allow: true, type: "c", major: 10, access: "rw" });
  expect(resources({ Privileged: true }).devices).toEqual([{ allow: true, type: "a", access: "rwm" }]);
});

test("what is no device or no rule is refused", () => {
  expect(() => hostDevice("/etc/passwd")).toThrow('adding custom device "/etc/passwd": not a device node');
  expect(() => hostDevice("/nonexistent")).toThrow("no such file or directory");
  expect(() => resources({ DeviceCgroupRules: ["x 1:1 r"] })).toThrow(
    "invalid device cgroup rule format: 'x 1:1 r'",
  );
});
