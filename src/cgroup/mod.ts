/**
 * Control groups: limits, accounting and freezing of containers, on both kernel versions, with both drivers.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { CgroupfsV1 } from "./cgroupfs-v1.ts";
import { CgroupfsV2 } from "./cgroupfs-v2.ts";
import { SystemdDriver } from "./systemd.ts";
import type { CgroupDriver, CgroupHost } from "./types.ts";

export { detectCgroups, type HostFiles } from "./detect.ts";
export { cgroupFeatures, type CgroupFeatures } from "./features.ts";
export { KernelFiles, type KernelFile } from "./kernel-files.ts";
export { MemoryKills } from "./oom.ts";
export { findByName, killTree, processesBelow, removeTree } from "./removal.ts";
export { StatsReader } from "./stats.ts";
export type { BlockIOStats, CgroupStats, CpuStats, MemoryStats } from "./stats.ts";
export type * from "./types.ts";

/** The driver for this host. Fails with `not-implemented` for systemd on version 1, which systemd itself has dropped. */
export function cgroupDriver(name: CgroupDriver["name"], host: CgroupHost): CgroupDriver {
  if (name === "cgroupfs") return host.version === 2 ? new CgroupfsV2(host) : new CgroupfsV1(host);
  if (host.version === 2) return new SystemdDriver(host);
  throw failure("not-implemented", { what: "the cgroup driver systemd on cgroup version 1" });
}
