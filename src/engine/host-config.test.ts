import { expect, test } from "bun:test";
import type { HostConfig } from "./container-types.ts";
import { checkHostConfig, completeHostConfig } from "./host-config.ts";
import { defaults as plain } from "./testing.ts";

const defaults = { ...plain, logOptions: { "max-size": "10m" } };
const check = (host: Partial<HostConfig>): void =>
  checkHostConfig(completeHostConfig({ HostConfig: host }, defaults), defaults);

test("Docker's defaults are filled in", () => {
  const host = completeHostConfig({}, defaults);
  expect(host).toMatchObject({
    NetworkMode: "default",
    IpcMode: "private",
    CgroupnsMode: "host",
    ShmSize: 67108864,
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
    Binds: null,
  });
  expect(host.MaskedPaths).toContain("/proc/kcore");
  expect(completeHostConfig({ HostConfig: { Privileged: true } }, defaults).MaskedPaths).toBeNull();
  expect(completeHostConfig({ HostConfig: { Memory: 64 << 20 } }, defaults).MemorySwap).toBe(128 << 20);
  const privileged = { HostConfig: { Privileged: true } };
  const shared = { ...defaults, cgroupnsMode: "private", ipcMode: "shareable", shmSize: 1 << 20 } as const;
  expect(completeHostConfig({}, shared)).toMatchObject({
    CgroupnsMode: "private",
    IpcMode: "shareable",
    ShmSize: 1 << 20,
  });
  // Only version 2 hides the host's cgroups from who may do everything.
  expect(completeHostConfig(privileged, shared).CgroupnsMode).toBe("host");
  expect(completeHostConfig(privileged, { ...shared, cgroupVersion: 2 }).CgroupnsMode).toBe("private");
});

test("the daemon's log options count for its own driver, those of the cache for drivers that have one", () => {
  const logOptions = { "max-size": "10m", "cache-max-size": "1m" };
  const of = (LogConfig: { Type: string; Config: Record<string, string> }): object =>
    completeHostConfig({ HostConfig: { LogConfig } }, { ...defaults, logOptions }).LogConfig;
  expect(of({ Type: "json-file", Config: { "max-size": "5m" } })).toEqual({
    Type: "json-file",
    Config: { "max-size": "5m", "cache-max-size": "1m" },
  });
  expect(of({ Type: "local", Config: {} })).toEqual({ Type: "local", Config: {} });
  const address = { "syslog-address": "udp://h" };
  expect(of({ Type: "syslog", Config: address })).toEqual({
    Type: "syslog",
    Config: { ...address, "cache-max-size": "1m" },
  });
});

test.each([
  [{ Memory: 1 << 20 }, "Minimum memory limit allowed is 6MB"],
  [
    { Memory: 64 << 20, MemorySwap: 32 << 20 },
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  ],
  [{ NanoCpus: 5e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
  [{ CpuQuota: 10 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
  [{ CpusetCpus: "0-2147483647" }, "Invalid value 0-2147483647 for cpuset cpus"],
  [{ PidMode: "nonsense" }, "invalid PID mode: nonsense"],
  [{ IpcMode: "nonsense" }, "invalid IPC mode: nonsense"],
  [{ UTSMode: "x" }, "invalid UTS mode: x"],
  [{ OomScoreAdj: 2000 }, "Invalid value 2000, range for oom score adj is [-1000, 1000]"],
  [{ CapAdd: ["NONSENSE"] }, 'invalid CapAdd: unknown capability: "CAP_NONSENSE"'],
  [{ Sysctls: { "kernel.core_pattern": "|/x" } }, "sysctl 'kernel.core_pattern' is not whitelisted"],
  [{ Sysctls: { "net.ipv4.x": "1\n2" } }, 'sysctl "net.ipv4.x" is not valid'],
  [{ Sysctls: { "net.core.x": "1" }, NetworkMode: "host" }, "not allowed in host network namespace"],
  [{ RestartPolicy: { Name: "sometimes", MaximumRetryCount: 0 } }, "unknown policy 'sometimes'"],
  [{ CpusetCpus: "x" }, "Invalid value x for cpuset cpus: invalid format: x"],
  [{ CpusetCpus: "0,2" }, "Requested CPUs are not available - requested 0,2, available: 0-1"],
  [{ CpusetMems: "1" }, "Requested memory nodes are not available - requested 1, available: 0"],
  [{ Isolation: "hyperv" }, "invalid isolation (hyperv): linux only supports 'default'"],
  [{ Runtime: "runsc" }, "unknown or invalid runtime name: runsc"],
  [
    { IOMaximumBandwidth: 5 },
    "invalid option: QoS maximum bandwidth configuration is not supported on linux",
  ],
  [{ IOMaximumIOps: 5 }, "invalid option: QoS maximum IOPs configuration is not supported on linux"],
  [
    { StorageOpt: { size: "1G" } },
    "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
  ],
  [{ StorageOpt: { foo: "1" } }, "Unknown option foo"],
  [
    { DeviceRequests: [{ Count: -1, Capabilities: [["gpu"], ["a", "b"]] }] },
    'could not select device driver "" with capabilities: [[gpu] [a b]]',
  ],
] as [Partial<HostConfig>, string][])("%j is refused", (host, text) => {
  expect(() => check(host)).toThrow(text);
});

test("what is fine passes", () => {
  expect(() =>
    check({ Memory: 64 << 20, NanoCpus: 5e8, CapAdd: ["net_admin"], PidMode: "host" }),
  ).not.toThrow();
});
