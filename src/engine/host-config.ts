/**
 * A container's HostConfig: completed with Docker's defaults and checked. What this version can't honour is refused
 * here, before anything is made, or dropped with a warning in Docker's words.
 * @module
 */
import type { CgroupFeatures } from "../cgroup/mod.ts";
import { failure } from "../errors/mod.ts";
import { maskedPaths, normalizeCapabilities, readonlyPaths } from "../security/mod.ts";
import type { CreateBody, HostConfig } from "./container-types.ts";
import { remoteDrivers } from "./logging/drivers.ts";
import { checkRestartPolicy } from "./restart-policy.ts";
import { checkDeviceRequests } from "./device-requests.ts";

/** What the engine's own configuration says where the client says nothing. */
export interface HostDefaults {
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupDriver: "cgroupfs" | "systemd";
  /** Limits that this host's cgroups have. */
  readonly limits: CgroupFeatures;
  /** Processors of the host. */
  readonly processors: number;
  /** Processors and memory nodes that a container can be bound to, as the kernel lists them: `0-1`; empty: unknown. */
  readonly cpus: string;
  readonly memoryNodes: string;
  /** Capabilities that containers may get, as a mask. */
  readonly capabilities: bigint;
  readonly shmSize: number;
  readonly ipcMode: "private" | "shareable";
  readonly cgroupnsMode: "private" | "host";
  /** Processors whose thermal throttling must be hidden. */
  readonly throttledProcessors: readonly number[];
}

const minimalMemory = 6 * 1024 * 1024;

function refuse(message: string): never {
  throw failure("invalid-parameter", { message });
}

/** The daemon's options count for its own driver; those of the local cache for every driver that has one. */
function completeLogConfig(
  given:
    { readonly Type?: string; readonly Config?: Readonly<Record<string, string>> | null } | null | undefined,
  { logDriver, logOptions }: HostDefaults,
): HostConfig["LogConfig"] {
  const Type = given?.Type || logDriver;
  const inherited = Object.entries(logOptions).filter(
    ([name]) => Type === logDriver || (name.startsWith("cache-") && remoteDrivers[Type] !== undefined),
  );
  return { Type, Config: { ...Object.fromEntries(inherited), ...given?.Config } };
}

/** Completes `body.HostConfig` with Docker's defaults. */
export function completeHostConfig(body: CreateBody, defaults: HostDefaults): HostConfig {
  const given = body.HostConfig ?? {};
  const privileged = given.Privileged ?? false;
  const log = given.LogConfig;
  const cgroupns =
    given.CgroupnsMode || (privileged && defaults.cgroupVersion === 1 ? "host" : defaults.cgroupnsMode);
  return {
    Binds: given.Binds ?? null,
    ContainerIDFile: given.ContainerIDFile ?? "",
    LogConfig: completeLogConfig(log, defaults),
    NetworkMode: given.NetworkMode || "default",
    PortBindings: wholeBindings(given.PortBindings ?? null),
    RestartPolicy: {
      Name: given.RestartPolicy?.Name || "no",
      MaximumRetryCount: given.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    AutoRemove: given.AutoRemove ?? false,
    VolumeDriver: given.VolumeDriver ?? "",
    VolumesFrom: given.VolumesFrom ?? null,
    ...(given.Mounts === undefined || given.Mounts === null || given.Mounts.length === 0
      ? {}
      : { Mounts: given.Mounts }),
    ConsoleSize: given.ConsoleSize ?? [0, 0],
    ...(given.Annotations === undefined || given.Annotations === null
      ? {}
      : { Annotations: given.Annotations }),
    CapAdd: given.CapAdd ?? null,
    CapDrop: given.CapDrop ?? null,
    CgroupnsMode: cgroupns,
    Dns: given.Dns ?? null,
    DnsOptions: given.DnsOptions ?? null,
    DnsSearch: given.DnsSearch ?? null,
    ExtraHosts: given.ExtraHosts ?? null,
    GroupAdd: given.GroupAdd ?? null,
    IpcMode: given.IpcMode || defaults.ipcMode,
    Cgroup: given.Cgroup ?? "",
    Links: given.Links ?? null,
    OomScoreAdj: given.OomScoreAdj ?? 0,
    PidMode: given.PidMode ?? "",
    Privileged: privileged,
    PublishAllPorts: given.PublishAllPorts ?? false,
    ReadonlyRootfs: given.ReadonlyRootfs ?? false,
    SecurityOpt: given.SecurityOpt ?? null,
    ...(given.StorageOpt === undefined || given.StorageOpt === null ? {} : { StorageOpt: given.StorageOpt }),
    ...(given.Tmpfs === undefined || given.Tmpfs === null ? {} : { Tmpfs: given.Tmpfs }),
    UTSMode: given.UTSMode ?? "",
    UsernsMode: given.UsernsMode ?? "",
    ShmSize: given.ShmSize || defaults.shmSize,
    ...(given.Sysctls === undefined || given.Sysctls === null ? {} : { Sysctls: given.Sysctls }),
    Runtime: given.Runtime || "caisson",
    Isolation: given.Isolation ?? "",
    CpuShares: given.CpuShares ?? 0,
    Memory: given.Memory ?? 0,
    NanoCpus: given.NanoCpus ?? 0,
    CgroupParent: given.CgroupParent ?? "",
    BlkioWeight: given.BlkioWeight ?? 0,
    BlkioWeightDevice: given.BlkioWeightDevice ?? null,
    BlkioDeviceReadBps: given.BlkioDeviceReadBps ?? null,
    BlkioDeviceWriteBps: given.BlkioDeviceWriteBps ?? null,
    BlkioDeviceReadIOps: given.BlkioDeviceReadIOps ?? null,
    BlkioDeviceWriteIOps: given.BlkioDeviceWriteIOps ?? null,
    CpuPeriod: given.CpuPeriod ?? 0,
    CpuQuota: given.CpuQuota ?? 0,
    CpuRealtimePeriod: given.CpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: given.CpuRealtimeRuntime ?? 0,
    CpusetCpus: given.CpusetCpus ?? "",
    CpusetMems: given.CpusetMems ?? "",
    Devices: given.Devices ?? null,
    DeviceCgroupRules: given.DeviceCgroupRules ?? null,
    DeviceRequests: given.DeviceRequests ?? null,
    ...(given.KernelMemoryTCP ? { KernelMemoryTCP: given.KernelMemoryTCP } : {}),
    MemoryReservation: given.MemoryReservation ?? 0,
    MemorySwap: memorySwap(given.Memory ?? 0, given.MemorySwap ?? 0),
    MemorySwappiness: given.MemorySwappiness === -1 ? null : (given.MemorySwappiness ?? null),
    OomKillDisable: given.OomKillDisable ?? false,
    ...(given.Init === undefined || given.Init === null ? {} : { Init: given.Init }),
    PidsLimit: given.PidsLimit ?? null,
    Ulimits: given.Ulimits ?? null,
    CpuCount: given.CpuCount ?? 0,
    CpuPercent: given.CpuPercent ?? 0,
    IOMaximumIOps: given.IOMaximumIOps ?? 0,
    IOMaximumBandwidth: given.IOMaximumBandwidth ?? 0,
    MaskedPaths: given.MaskedPaths ?? (privileged ? null : maskedPaths(defaults.throttledProcessors)),
    ReadonlyPaths: given.ReadonlyPaths ?? (privileged ? null : readonlyPaths),
  };
}

/** Each binding has both of its fields, whatever was given. */
function wholeBindings(bindings: HostConfig["PortBindings"]): HostConfig["PortBindings"] {
  if (bindings === null) return null;
  return Object.fromEntries(
    Object.entries(bindings).map(([port, list]) => [
      port,
      list?.map(({ HostIp = "", HostPort = "" }) => ({ HostIp, HostPort })) ?? null,
    ]),
  );
}

/** What can be done, but may not be meant, in Docker's words. */
export function hostWarnings({ OomKillDisable, Memory }: HostConfig): readonly string[] {
  return OomKillDisable && Memory === 0
    ? [
        "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
      ]
    : [];
}

/** Docker: memory and swap together are twice the memory where only the memory is given. */
function memorySwap(memory: number, swap: number): number {
  return memory > 0 && swap === 0 ? memory * 2 : swap;
}

/** Checks what was completed: `invalid-parameter` in Docker's words, `not-implemented` for what this version lacks. */
export function checkHostConfig(host: HostConfig, defaults: HostDefaults): void {
  checkModes(host);
  checkResources(host, defaults);
  normalizeCapabilities("CapAdd", host.CapAdd ?? [], defaults.capabilities);
  normalizeCapabilities("CapDrop", host.CapDrop ?? [], defaults.capabilities);
  for (const [key, value] of Object.entries(host.Sysctls ?? {})) checkSysctl(host, key, value);
  checkRestartPolicy(host.RestartPolicy);
  if (host.CpuShares < 0) {
    refuse(`invalid CPU shares (${host.CpuShares}): value must be a positive integer`);
  }
  if (host.AutoRemove && host.RestartPolicy.Name !== "no") {
    refuse("can't create 'AutoRemove' container with restart policy");
  }
  checkDeviceRequests(host);
  checkUnsupported(host);
}

function checkModes(host: HostConfig): void {
  const { NetworkMode: network, UTSMode: uts, PidMode: pid, IpcMode: ipc, UsernsMode: userns } = host;
  const joins = network.startsWith("container:");
  if ((network === "host" || joins) && (host.Links ?? []).length > 0) {
    const type = joins ? "container type network" : "host type networking";
    refuse(`conflicting options: ${type} can't be used with links. This would result in undefined behavior`);
  }
  if (joins && (host.Dns ?? []).length > 0) refuse("conflicting options: dns and the network mode");
  if (joins && (host.ExtraHosts ?? []).length > 0) {
    refuse("conflicting options: custom host-to-IP mapping and the network mode");
  }
  if (joins && (Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts)) {
    refuse("conflicting options: port publishing and the container type network mode");
  }
  if (!["", "host"].includes(uts)) refuse(`invalid UTS mode: ${uts}`);
  if (!["", "host"].includes(userns)) refuse(`invalid user namespace mode: ${userns}`);
  if (!(pid === "" || pid === "host" || /^container:.+/.test(pid))) refuse(`invalid PID mode: ${pid}`);
  if (!(["none", "private", "shareable", "host"].includes(ipc) || /^container:.+/.test(ipc))) {
    refuse(`invalid IPC mode: ${ipc}`);
  }
  if (!["private", "host"].includes(host.CgroupnsMode))
    refuse(`invalid cgroup namespace mode: ${host.CgroupnsMode}`);
  if (host.OomScoreAdj < -1000 || host.OomScoreAdj > 1000) {
    refuse(`Invalid value ${host.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (host.ShmSize < 0) refuse("SHM size can not be less than 0");
}

/** Checks limits; an `update` says only what is to change. */
export function checkResources(host: HostConfig, defaults: HostDefaults, update = false): void {
  const { Memory: memory, MemorySwap: swap, MemoryReservation: reservation } = host;
  if (memory > 0 && memory < minimalMemory) refuse("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory) {
    refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (memory === 0 && swap > 0 && !update)
    refuse("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (memory > 0 && reservation > 0 && memory < reservation) {
    refuse("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
  if (reservation > 0 && reservation < minimalMemory) refuse("Minimum memory reservation allowed is 6MB");
  const { MemorySwappiness: swappiness } = host;
  if (swappiness !== null && (swappiness < 0 || swappiness > 100)) {
    refuse(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  const { NanoCpus: nano, CpuPeriod: period, CpuQuota: quota } = host;
  if (nano > 0 && period > 0) refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (nano > 0 && quota > 0) refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (nano < 0 || nano > defaults.processors * 1e9) {
    refuse(
      `range of CPUs is from 0.01 to ${defaults.processors.toFixed(2)}, as there are only ${defaults.processors} CPUs available`,
    );
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    refuse("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (quota > 0 && quota < 1000) refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  for (const [what, list] of [
    ["cpus", host.CpusetCpus],
    ["mems", host.CpusetMems],
  ] as const) {
    if (list !== "" && !/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/.test(list)) {
      refuse(`Invalid value ${list} for cpuset ${what}: invalid format: ${list}`);
    }
    const available = what === "cpus" ? defaults.cpus : defaults.memoryNodes;
    if (list !== "" && available !== "" && !includesAll(available, list)) {
      const noun = what === "cpus" ? "CPUs" : "memory nodes";
      refuse(`Requested ${noun} are not available - requested ${list}, available: ${available}`);
    }
  }
  if (host.IOMaximumIOps !== 0 || host.IOMaximumBandwidth !== 0) refuse(noQuality(host, update));
  const { BlkioWeight: weight } = host;
  if (weight !== 0 && (weight < 10 || weight > 1000)) {
    refuse("Range of blkio weight is from 10 to 1000");
  }
}

/** What Windows alone can limit, in dockerd's words, which differ. */
function noQuality({ IOMaximumIOps: operations }: HostConfig, update: boolean): string {
  if (update) return "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps";
  const what = operations === 0 ? "bandwidth" : "IOPs";
  return `invalid option: QoS maximum ${what} configuration is not supported on linux`;
}

/** Whether every number of `list` is in `available`; both are like `0-2,4`. */
function includesAll(available: string, list: string): boolean {
  const ranges = (text: string): number[][] => text.split(",").map((part) => part.split("-").map(Number));
  const here = ranges(available);
  return ranges(list).every(([first = 0, last = first]) => {
    for (let n = first; n <= last; n++) if (!here.some(([a = 0, b = a]) => a <= n && n <= b)) return false;
    return true;
  });
}

/** Sysctls of a namespace that the container has of its own; everything else would change the host. */
function checkSysctl(host: HostConfig, key: string, value: string): void {
  if (!/^[A-Za-z0-9_.-]+$/.test(key) || key.includes("..") || value.includes("\n")) {
    refuse(`sysctl ${JSON.stringify(key)} is not valid`);
  }
  const ipc = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
  ];
  if (key.startsWith("net.")) {
    if (host.NetworkMode === "host") refuse(`sysctl '${key}' not allowed in host network namespace`);
  } else if (ipc.includes(key) || key.startsWith("fs.mqueue.")) {
    if (host.IpcMode === "host") refuse(`sysctl '${key}' not allowed in host ipc namespace`);
  } else {
    refuse(`sysctl '${key}' is not whitelisted`);
  }
}

/** What this engine's one runtime and one storage driver can't do, in Docker's words. */
function checkUnsupported(host: HostConfig): void {
  for (const option of Object.keys(host.StorageOpt ?? {})) {
    if (option.toLowerCase() !== "size") refuse(`Unknown option ${option}`);
    // No driver here has quotas.
    refuse("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
  if (!["", "caisson"].includes(host.Runtime)) refuse(`unknown or invalid runtime name: ${host.Runtime}`);
  if (!["", "default"].includes(host.Isolation))
    refuse(`invalid isolation (${host.Isolation}): linux only supports 'default'`);
}
