/**
 * Changes of a container's limits and restart policy: checked, merged into its HostConfig, and as what its cgroup must be
 * told. Pure. Rules and texts are dockerd's (daemon/update.go, daemon/container/container_unix.go).
 * @module
 */
import type { LiveResources } from "../cgroup/mod.ts";
import { failure } from "../errors/mod.ts";
import type { HostConfig, ThrottleDevice, UpdateBody } from "./container-types.ts";
import { discardLimits } from "./discarded-limits.ts";
import { checkResources, completeHostConfig, type HostDefaults } from "./host-config.ts";
import { directly, type DeviceFiles } from "./host-devices.ts";
import { limits } from "./resources.ts";
import { checkRestartPolicy } from "./restart-policy.ts";

/** What zero leaves as it is. */
const scalars = [
  "BlkioWeight",
  "CpuShares",
  "NanoCpus",
  "CpuPeriod",
  "CpuQuota",
  "CpuRealtimePeriod",
  "CpuRealtimeRuntime",
  "CpusetCpus",
  "CpusetMems",
  "Memory",
  "MemorySwap",
  "MemoryReservation",
  "KernelMemoryTCP",
] as const;
const throttles = [
  "BlkioDeviceReadBps",
  "BlkioDeviceWriteBps",
  "BlkioDeviceReadIOps",
  "BlkioDeviceWriteIOps",
] as const;
const lists = ["BlkioWeightDevice", ...throttles] as const;
/** What doesn't lie in HostConfig, or is changed elsewhere. */
const apart = [
  "Labels",
  "Healthcheck",
  "PortBindings",
  "RestartPolicy",
  "PidsLimit",
  "MemorySwappiness",
  "OomKillDisable",
];
/** What dockerd takes and does nothing with, warns of, or refuses in its own words: kernels, or Linux, have no such limit. */
const retired = ["KernelMemory", "CpuPercent", "CpuCount", "IOMaximumIOps", "IOMaximumBandwidth"];

/** Shares that the kernel knows (cgroup-v1, cpu.shares). */
const shares = { least: 2, most: 262_144 };

/** Clients send every field, most of them with Go's zero. */
function isSomething(value: unknown): boolean {
  if (value === null || value === undefined || value === 0 || value === "" || value === false) return false;
  return typeof value !== "object" || Object.values(value).some(isSomething);
}

/** What is to change of a HostConfig: nothing that stays as it is. */
export type HostChanges = Partial<HostConfig>;

/** Checks what a client asks for, whatever container it is for. What this host's kernel lacks is left out with a warning. */
export function readChanges(
  body: UpdateBody,
  defaults: HostDefaults,
): { readonly changes: HostChanges; readonly warnings: string[] } {
  const known: readonly string[] = [...scalars, ...lists, ...apart, ...retired];
  const other = Object.entries(body).find(([field, value]) => !known.includes(field) && isSomething(value));
  if (other !== undefined) throw failure("not-implemented", { what: `updating a container's ${other[0]}` });
  const warnings: string[] = [];
  const { Memory: memory = 0, MemorySwap: asked = 0 } = body;
  let swap = asked;
  if (memory > 0 && swap !== -1 && defaults.limits.memoryLimit && !defaults.limits.swapLimit) {
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
    swap = -1;
  }
  const { Labels: _, Healthcheck: __, PortBindings: ___, ...host } = body;
  const complete = completeHostConfig({ HostConfig: host }, defaults);
  const settled = discardLimits({ ...complete, MemorySwap: swap }, defaults.limits, warnings);
  checkResources(settled, defaults, true);
  const { CpuShares: weight } = settled;
  if (weight !== 0 && (weight < shares.least || weight > shares.most)) {
    const [which, limit] = weight < shares.least ? ["minimum", shares.least] : ["maximum", shares.most];
    throw failure("invalid-parameter", { message: `the ${which} allowed cpu-shares is ${limit}` });
  }
  checkRestartPolicy(settled.RestartPolicy);
  const taken = (field: keyof HostConfig): boolean =>
    body[field] !== undefined && body[field] !== null && settled[field] !== null;
  return {
    changes: {
      ...pick(settled, (field) => scalars.includes(field as never) && isSomething(settled[field])),
      ...pick(settled, (field) => lists.includes(field as never) && taken(field)),
      ...(taken("PidsLimit") ? { PidsLimit: Math.max(0, settled.PidsLimit ?? 0) } : {}),
      ...(taken("MemorySwappiness") ? { MemorySwappiness: settled.MemorySwappiness } : {}),
      ...(taken("OomKillDisable") && settled.OomKillDisable === body.OomKillDisable
        ? { OomKillDisable: settled.OomKillDisable }
        : {}),
      ...(body.RestartPolicy?.Name ? { RestartPolicy: settled.RestartPolicy } : {}),
    },
    warnings,
  };
}

function pick(host: HostConfig, which: (field: keyof HostConfig) => boolean): HostChanges {
  return Object.fromEntries(Object.entries(host).filter(([field]) => which(field as keyof HostConfig)));
}

/** The HostConfig with its changes. Throws `conflict` for changes that contradict what it has. */
export function mergeChanges(host: HostConfig, changes: HostChanges): HostConfig {
  const conflict = (message: string): never => {
    throw failure("conflict", { message });
  };
  const { NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, Memory: memory = 0 } = changes;
  if (nano > 0 && host.CpuPeriod > 0)
    conflict("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  if (nano > 0 && host.CpuQuota > 0)
    conflict("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  if (period > 0 && host.NanoCpus > 0)
    conflict("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  if (quota > 0 && host.NanoCpus > 0)
    conflict("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  if (memory > host.MemorySwap && changes.MemorySwap === undefined && memory > 0) {
    conflict(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
  }
  if (host.AutoRemove && changes.RestartPolicy !== undefined && changes.RestartPolicy.Name !== "no") {
    conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
  }
  return { ...host, ...changes };
}

/** `host` with numbers in the place of what isn't limited, so that a cgroup can be told to forget a limit. */
function withoutGaps(host: HostConfig, version: 1 | 2): HostConfig {
  const cpu =
    host.NanoCpus > 0 ? {} : { CpuQuota: host.CpuQuota || -1, CpuPeriod: host.CpuPeriod || 100_000 };
  return {
    ...host,
    ...cpu,
    Memory: host.Memory || -1,
    MemorySwap: host.MemorySwap || -1,
    // In version 2 it is a protection: none is 0, which needs no words.
    MemoryReservation: host.MemoryReservation || (version === 1 ? -1 : 0),
    MemorySwappiness: host.MemorySwappiness ?? 60,
    CpuShares: host.CpuShares || 1024,
    PidsLimit: host.PidsLimit || -1,
  };
}

/** Devices that had a rate and have none any more get 0, which takes the kernel's limit away. */
function rates(
  before: readonly ThrottleDevice[] | null,
  after: readonly ThrottleDevice[] | null,
): ThrottleDevice[] {
  const now = after ?? [];
  const gone = (before ?? []).filter(({ Path }) => !now.some((device) => device.Path === Path));
  return [...now, ...gone.map(({ Path }) => ({ Path, Rate: 0 }))];
}

/** What a running container's cgroup must be told; nothing of what is the same. `files` are the devices of both. */
export function liveChanges(
  before: HostConfig,
  after: HostConfig,
  version: 1 | 2,
  files: DeviceFiles = directly,
): LiveResources {
  const changed = (...fields: readonly (keyof HostConfig)[]): boolean =>
    fields.some((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  const throttled = Object.fromEntries(throttles.map((field) => [field, rates(before[field], after[field])]));
  const { memory, cpu, pids, blockIO } = limits(withoutGaps({ ...after, ...throttled }, version), files);
  const memoryChanged = changed("Memory", "MemorySwap");
  const bandwidth = changed("NanoCpus", "CpuPeriod", "CpuQuota");
  const when = <T>(is: boolean, value: T): T | undefined => (is ? value : undefined);
  return {
    memory: {
      limit: when(memoryChanged, memory?.limit),
      swap: when(memoryChanged, memory?.swap),
      reservation: when(changed("MemoryReservation"), memory?.reservation ?? 0),
      kernelTCP: when(changed("KernelMemoryTCP"), memory?.kernelTCP),
      swappiness: when(changed("MemorySwappiness"), memory?.swappiness),
      disableOOMKiller: when(changed("OomKillDisable"), after.OomKillDisable),
    },
    cpu: {
      shares: when(changed("CpuShares"), cpu?.shares),
      quota: when(bandwidth, cpu?.quota),
      period: when(bandwidth, cpu?.period),
      realtimeRuntime: when(changed("CpuRealtimeRuntime"), cpu?.realtimeRuntime),
      realtimePeriod: when(changed("CpuRealtimePeriod"), cpu?.realtimePeriod),
      cpus: when(changed("CpusetCpus"), cpu?.cpus),
      mems: when(changed("CpusetMems"), cpu?.mems),
    },
    pids: when(changed("PidsLimit"), pids),
    blockIO: {
      weight: when(changed("BlkioWeight"), blockIO?.weight),
      weightDevice: when(changed("BlkioWeightDevice"), blockIO?.weightDevice),
      throttleReadBpsDevice: when(changed("BlkioDeviceReadBps"), blockIO?.throttleReadBpsDevice),
      throttleWriteBpsDevice: when(changed("BlkioDeviceWriteBps"), blockIO?.throttleWriteBpsDevice),
      throttleReadIOPSDevice: when(changed("BlkioDeviceReadIOps"), blockIO?.throttleReadIOPSDevice),
      throttleWriteIOPSDevice: when(changed("BlkioDeviceWriteIOps"), blockIO?.throttleWriteIOPSDevice),
    },
  };
}
