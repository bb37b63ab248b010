/**
 * Limits that this host's cgroups don't have: Docker leaves them out with a warning, rather than refusing the container.
 * @module
 */
import type { CgroupFeatures } from "../cgroup/mod.ts";
import type { HostConfig } from "./container-types.ts";

/** A limit, whether it was asked for, what it becomes without support, and Docker's warning. */
interface Rule {
  readonly feature: keyof CgroupFeatures;
  readonly asked: (host: HostConfig) => boolean;
  readonly without: Partial<HostConfig>;
  readonly warning: string;
}

const mounted = "or the cgroup is not mounted.";
const some = (list: readonly unknown[] | null): boolean => list !== null && list.length > 0;

const rules: readonly Rule[] = [
  {
    feature: "memoryLimit",
    asked: (host) => host.Memory > 0,
    without: { Memory: 0, MemorySwap: -1 },
    warning: `Your kernel does not support memory limit capabilities ${mounted} Limitation discarded.`,
  },
  {
    feature: "swapLimit",
    asked: (host) => host.Memory > 0 && host.MemorySwap > 0,
    without: { MemorySwap: -1 },
    warning: `Your kernel does not support swap limit capabilities ${mounted} Memory limited without swap.`,
  },
  {
    feature: "memorySwappiness",
    asked: (host) => host.MemorySwappiness !== null,
    without: { MemorySwappiness: null },
    warning: `Your kernel does not support memory swappiness capabilities ${mounted} Memory swappiness discarded.`,
  },
  {
    feature: "memoryReservation",
    asked: (host) => host.MemoryReservation > 0,
    without: { MemoryReservation: 0 },
    warning: `Your kernel does not support memory soft limit capabilities ${mounted} Limitation discarded.`,
  },
  {
    feature: "kernelMemoryTCP",
    asked: (host) => (host.KernelMemoryTCP ?? 0) > 0,
    without: { KernelMemoryTCP: 0 },
    warning: `Your kernel does not support kernel memory TCP limit capabilities ${mounted} Limitation discarded.`,
  },
  {
    feature: "oomKillDisable",
    asked: (host) => host.OomKillDisable,
    without: { OomKillDisable: false },
    warning: "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  },
  {
    feature: "pidsLimit",
    asked: (host) => (host.PidsLimit ?? 0) > 0,
    without: { PidsLimit: null },
    warning: `Your kernel does not support PIDs limit capabilities ${mounted} PIDs limit discarded.`,
  },
  {
    feature: "cpuShares",
    asked: (host) => host.CpuShares > 0,
    without: { CpuShares: 0 },
    warning: `Your kernel does not support CPU shares ${mounted} Shares discarded.`,
  },
  {
    feature: "blockIOWeight",
    asked: (host) => host.BlkioWeight > 0,
    without: { BlkioWeight: 0 },
    warning: `Your kernel does not support Block I/O weight ${mounted} Weight discarded.`,
  },
  {
    feature: "blockIOWeightDevice",
    asked: (host) => some(host.BlkioWeightDevice),
    without: { BlkioWeightDevice: [] },
    warning: `Your kernel does not support Block I/O weight_device ${mounted} Weight-device discarded.`,
  },
];

/** `host` without what this host's kernel can't limit; a warning for each is added to `warnings`. */
export function discardLimits(host: HostConfig, features: CgroupFeatures, warnings: string[]): HostConfig {
  let result = host;
  for (const { feature, asked, without, warning } of rules) {
    if (features[feature] || !asked(result)) continue;
    warnings.push(warning);
    result = { ...result, ...without };
  }
  if (result.CpuPercent > 0) {
    warnings.push("linux does not support CPU percent. Percent discarded.");
    result = { ...result, CpuPercent: 0 };
  }
  return result;
}
