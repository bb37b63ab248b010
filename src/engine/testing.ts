/**
 * What several tests of this folder need.
 * @module
 */
import { mergeConfig } from "./config-merge.ts";
import type { ContainerConfig, HostConfig } from "./container-types.ts";
import type { ContainerRecord } from "./container.ts";
import { completeHostConfig, type HostDefaults } from "./host-config.ts";

/** An engine's defaults on a machine with two processors and cgroup version 1. */
export const defaults: HostDefaults = {
  logDriver: "json-file",
  logOptions: {},
  cgroupVersion: 1,
  cgroupDriver: "cgroupfs",
  limits: {
    memoryLimit: true,
    swapLimit: true,
    memoryReservation: true,
    kernelMemoryTCP: true,
    memorySwappiness: true,
    oomKillDisable: true,
    cpuShares: true,
    cpuCfsPeriod: true,
    cpuCfsQuota: true,
    cpuRealtime: true,
    cpuset: true,
    pidsLimit: true,
    blockIOWeight: true,
    blockIOWeightDevice: true,
    blockIOThrottle: true,
  },
  processors: 2,
  cpus: "0-1",
  memoryNodes: "0",
  capabilities: (1n << 41n) - 1n,
  shmSize: 64 << 20,
  ipcMode: "private",
  cgroupnsMode: "host",
  throttledProcessors: [],
};

/** A container's record as create makes it; parts can be changed. */
export function exampleRecord(change: {
  readonly host?: Partial<HostConfig>;
  readonly config?: Partial<ContainerConfig>;
  readonly record?: Partial<ContainerRecord>;
}): ContainerRecord {
  const body = {
    Image: "busybox",
    Cmd: ["sh"],
    ...change.config,
    HostConfig: { NetworkMode: "none", ...change.host },
  };
  const id = "0123456789abcdef".repeat(4);
  return {
    id,
    created: "2026-01-02T03:04:05.6Z",
    path: "sh",
    args: [],
    imageId: `sha256:${"0".repeat(64)}`,
    chain: [`sha256:${"1".repeat(64)}`],
    config: mergeConfig(body, { Env: ["PATH=/bin"] }, id.slice(0, 12)),
    hostConfig: completeHostConfig(body, defaults),
    networking: {},
    mounts: [],
    idRange: 0,
    userNamespace: { mode: "private", reason: "default" },
    platform: "linux",
    ...change.record,
  };
}
