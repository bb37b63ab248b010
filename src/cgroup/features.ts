/**
 * Which limits this host can set: for `system info`, and for the warnings with which Docker drops limits that it can't.
 * @module
 */
import type { CgroupHost } from "./types.ts";

/** True: a container can have this limit. Names as in Docker's `info` where it has them. */
export interface CgroupFeatures {
  readonly memoryLimit: boolean;
  readonly swapLimit: boolean;
  readonly memoryReservation: boolean;
  readonly kernelMemoryTCP: boolean;
  readonly memorySwappiness: boolean;
  readonly oomKillDisable: boolean;
  readonly cpuShares: boolean;
  readonly cpuCfsPeriod: boolean;
  readonly cpuCfsQuota: boolean;
  readonly cpuRealtime: boolean;
  readonly cpuset: boolean;
  readonly pidsLimit: boolean;
  readonly blockIOWeight: boolean;
  readonly blockIOWeightDevice: boolean;
  readonly blockIOThrottle: boolean;
}

/** What `host` supports, by the controllers that it has and the files in them. */
export function cgroupFeatures(host: CgroupHost): CgroupFeatures {
  return host.version === 2 ? featuresV2(host) : featuresV1(host);
}

function featuresV1(host: CgroupHost): CgroupFeatures {
  const has = (controller: string, file: string): boolean => {
    const found = host.hierarchies.find(({ controllers }) => controllers.includes(controller));
    return found !== undefined && host.files.get(found.mountPoint)?.has(file) === true;
  };
  return {
    memoryLimit: has("memory", "memory.limit_in_bytes"),
    swapLimit: has("memory", "memory.memsw.limit_in_bytes"),
    memoryReservation: has("memory", "memory.soft_limit_in_bytes"),
    kernelMemoryTCP: has("memory", "memory.kmem.tcp.limit_in_bytes"),
    memorySwappiness: has("memory", "memory.swappiness"),
    oomKillDisable: has("memory", "memory.oom_control"),
    cpuShares: has("cpu", "cpu.shares"),
    cpuCfsPeriod: has("cpu", "cpu.cfs_period_us"),
    cpuCfsQuota: has("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: has("cpu", "cpu.rt_period_us"),
    cpuset: has("cpuset", "cpuset.cpus"),
    // The topmost cgroup has no pids.max.
    pidsLimit: has("pids", "cgroup.procs"),
    blockIOWeight: has("blkio", "blkio.weight"),
    blockIOWeightDevice: has("blkio", "blkio.weight_device"),
    blockIOThrottle: has("blkio", "blkio.throttle.read_bps_device"),
  };
}

function featuresV2({ hierarchies, files }: CgroupHost): CgroupFeatures {
  const [hierarchy] = hierarchies;
  const controllers = new Set(hierarchy?.controllers);
  // The topmost cgroup can't tell: it has none of these files. Nor can one that its parent gives the controller not.
  const has = (file: string): boolean =>
    hierarchy?.own === "/" || files.get(hierarchy?.mountPoint ?? "")?.has(file) === true;
  const told = (limit: string, ...any: readonly string[]): boolean => !has(limit) || any.some(has);
  const memory = controllers.has("memory");
  const cpu = controllers.has("cpu");
  const io = controllers.has("io");
  return {
    memoryLimit: memory,
    swapLimit: memory && told("memory.max", "memory.swap.max"),
    memoryReservation: memory,
    kernelMemoryTCP: false,
    memorySwappiness: false,
    oomKillDisable: false,
    cpuShares: cpu,
    cpuCfsPeriod: cpu,
    cpuCfsQuota: cpu,
    cpuRealtime: false,
    cpuset: controllers.has("cpuset"),
    pidsLimit: controllers.has("pids"),
    blockIOWeight: io && told("io.max", "io.weight", "io.bfq.weight"),
    blockIOWeightDevice: io && told("io.max", "io.weight", "io.bfq.weight"),
    blockIOThrottle: io,
  };
}
