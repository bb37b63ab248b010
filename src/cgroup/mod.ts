/**
 * Control groups: limits, accounting and freezing of containers, on both kernel versions, with both drivers.
 * @module
 */
import { CgroupfsV1 } from "./cgroupfs-v1.ts";
import { CgroupfsV2 } from "./cgroupfs-v2.ts";
import type { CgroupDriver, CgroupHost } from "./types.ts";

export { detectCgroups, type HostFiles } from "./detect.ts";
export { cgroupPaths } from "./location.ts";
export { killTree, processesBelow, removeTree } from "./removal.ts";
export type * from "./types.ts";

/** The driver `cgroupfs` for this host. */
export function cgroupfs(host: CgroupHost): CgroupDriver {
  return host.version === 2 ? new CgroupfsV2(host) : new CgroupfsV1(host);
}
