import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import type { HostConfig, UpdateBody } from "./container-types.ts";
import { completeHostConfig } from "./host-config.ts";
import { defaults } from "./testing.ts";
import { liveChanges, mergeChanges, readChanges } from "./update-request.ts";

const mega = 1 << 20;
const host = (given: Partial<HostConfig> = {}): HostConfig =>
  completeHostConfig({ HostConfig: given }, defaults);
const changes = (body: UpdateBody): object => readChanges(body, defaults).changes;
const problem = (work: () => unknown): string => {
  try {
    work();
    return "";
  } catch (error) {
    return messageOf(error);
  }
};

test("what a client sends as zero stays as it is", () => {
  const zeros = {
    Memory: 0,
    CpusetCpus: "",
    CgroupParent: "",
    Devices: [],
    Ulimits: null,
    RestartPolicy: { Name: "", MaximumRetryCount: 0 },
    PidsLimit: null,
    Labels: { a: "b" },
  };
  expect(changes(zeros)).toEqual({});
});

test.each([
  [{ Memory: 64 * mega }, { Memory: 64 * mega }],
  [{ KernelMemoryTCP: 8 * mega }, { KernelMemoryTCP: 8 * mega }],
  [{ CpuPercent: 50, CpuCount: 2 }, {}],
  [{ PidsLimit: -1 }, { PidsLimit: 0 }],
  [{ PidsLimit: 5 }, { PidsLimit: 5 }],
  [
    { RestartPolicy: { Name: "always", MaximumRetryCount: 0 } },
    { RestartPolicy: { Name: "always", MaximumRetryCount: 0 } },
  ],
  [
    { CpuShares: 5, CpusetCpus: "0" },
    { CpuShares: 5, CpusetCpus: "0" },
  ],
  [{ BlkioDeviceReadBps: [] }, { BlkioDeviceReadBps: [] }],
] as [UpdateBody, object][])("%j changes %j", (body, expected) => expect(changes(body)).toEqual(expected));

test.each([
  [{ Memory: 5000 }, "Minimum memory limit allowed is 6MB"],
  [
    { IOMaximumIOps: 5 },
    "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps",
  ],
  [{ CpusetCpus: "9" }, "Requested CPUs are not available - requested 9, available: 0-1"],
  [{ RestartPolicy: { Name: "foo", MaximumRetryCount: 0 } }, "unknown policy 'foo'"],
  [
    { RestartPolicy: { Name: "no", MaximumRetryCount: 4 } },
    "maximum retry count can only be used with 'on-failure'",
  ],
  [{ CpuShares: 1 }, "the minimum allowed cpu-shares is 2"],
  [{ Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }] }, "updating a container's Ulimits is not supported"],
] as [UpdateBody, string][])("%j is refused", (body, text) =>
  expect(problem(() => changes(body))).toContain(text),
);

test.each([
  [
    { CpuPeriod: 50_000 },
    { NanoCpus: 1e9 },
    "Nano CPUs cannot be updated as CPU Period has already been set",
  ],
  [{ CpuQuota: 50_000 }, { NanoCpus: 1e9 }, "Nano CPUs cannot be updated as CPU Quota has already been set"],
  [{ NanoCpus: 1e9 }, { CpuPeriod: 50_000 }, "CPU Period cannot be updated as NanoCPUs has already been set"],
  [{ NanoCpus: 1e9 }, { CpuQuota: 50_000 }, "CPU Quota cannot be updated as NanoCPUs has already been set"],
  [{ Memory: 64 * mega }, { Memory: 200 * mega }, "update the memoryswap at the same time"],
  [
    { AutoRemove: true },
    { RestartPolicy: { Name: "always", MaximumRetryCount: 0 } },
    "because AutoRemove is enabled",
  ],
] as [Partial<HostConfig>, Partial<HostConfig>, string][])(
  "%j can't be changed by %j",
  (before, change, text) => {
    expect(problem(() => mergeChanges(host(before), change))).toContain(text);
  },
);

test("the cgroup is told what is different, memory and swap together, quota and period together", () => {
  const before = host({ Memory: 100 * mega, CpuShares: 5 });
  const told = (change: Partial<HostConfig>): object =>
    JSON.parse(JSON.stringify(liveChanges(before, mergeChanges(before, change), 1))) as object;
  expect(told({})).toEqual({ memory: {}, cpu: {}, blockIO: {} });
  expect(told({ Memory: 64 * mega })).toMatchObject({ memory: { limit: 64 * mega, swap: 200 * mega } });
  expect(told({ NanoCpus: 5e8 })).toMatchObject({ cpu: { quota: 50_000, period: 100_000 } });
  expect(told({ CpuPeriod: 20_000 })).toMatchObject({ cpu: { quota: -1, period: 20_000 } });
  expect(told({ PidsLimit: 0 })).toEqual({ memory: {}, cpu: {}, blockIO: {}, pids: { limit: -1 } });
});

test("a change can be taken back, also where there was no limit", () => {
  const before = host();
  const after = mergeChanges(before, {
    Memory: 64 * mega,
    MemorySwap: 64 * mega,
    NanoCpus: 5e8,
    CpuShares: 7,
  });
  expect(liveChanges(after, before, 1)).toMatchObject({
    memory: { limit: -1, swap: -1 },
    cpu: { quota: -1, period: 100_000, shares: 1024 },
  });
});

test("a device that loses its rate is told", () => {
  const before = host({ BlkioDeviceReadBps: [{ Path: "/dev/null", Rate: 5 }] });
  const after = mergeChanges(before, { BlkioDeviceReadBps: [] });
  expect(liveChanges(before, after, 1).blockIO?.throttleReadBpsDevice).toEqual([
    { major: 1, minor: 3, rate: 0 },
  ]);
});
