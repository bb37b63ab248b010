/**
 * What a container's configuration asks of the host beyond a plain container: privileges, and files. Pure.
 * @module
 */
import { defaultCapabilities } from "../../security/mod.ts";
import type { CreateBody, HostConfig, MountRequest } from "../container-types.ts";

/** What is asked for: in words, and which policy is about it. */
export interface HostAccess {
  readonly kind: "privilege" | "mount";
  readonly what: string;
}

type Judge<T> = (value: T) => string | undefined;

/** `free`: nothing in it reaches the host; else what a value asks for, undefined if that is nothing. */
type Judgement<T> = "free" | { readonly privilege: Judge<T> } | { readonly mount: Judge<T> };

type Judgements = { readonly [K in keyof Required<HostConfig>]: Judgement<NonNullable<HostConfig[K]>> };

const isHost =
  (flag: string): Judge<string> =>
  (mode) =>
    mode === "host" ? `${flag}=host` : undefined;
const some =
  (flag: string): Judge<readonly unknown[]> =>
  (list) =>
    list.length > 0 ? flag : undefined;
const positive =
  (flag: string): Judge<number> =>
  (value) =>
    value === 0 ? undefined : flag;
/** Lists of paths: any list in the place of the engine's own may uncover something. */
const given =
  (flag: string): Judge<readonly string[]> =>
  () =>
    flag;

/** Every field of HostConfig. Whoever adds one decides here what it may do to the host. */
const judgements: Judgements = {
  Binds: { mount: (binds) => binds.map(hostBind).find((what) => what !== undefined) },
  ContainerIDFile: "free",
  LogConfig: {
    mount: ({ Config }) =>
      Object.values(Config ?? {}).some((value) => /^unix(?:gram)?:/i.test(value))
        ? "a log driver on a socket of the host"
        : undefined,
  },
  NetworkMode: { privilege: isHost("--network") },
  PortBindings: "free",
  RestartPolicy: "free",
  AutoRemove: "free",
  VolumeDriver: {
    mount: (driver) => (["", "local"].includes(driver) ? undefined : `--volume-driver ${driver}`),
  },
  // Of these the other container's own configuration is looked at.
  VolumesFrom: "free",
  Mounts: { mount: (mounts) => mounts.map(hostMount).find((what) => what !== undefined) },
  ConsoleSize: "free",
  Annotations: "free",
  CapAdd: {
    privilege: (names) => {
      const more = names.find((name) => !defaultCapabilities.includes(withPrefix(name)));
      return more === undefined ? undefined : `--cap-add ${more}`;
    },
  },
  CapDrop: "free",
  CgroupnsMode: { privilege: isHost("--cgroupns") },
  Dns: "free",
  DnsOptions: "free",
  DnsSearch: "free",
  ExtraHosts: "free",
  GroupAdd: "free",
  IpcMode: { privilege: isHost("--ipc") },
  Cgroup: { privilege: (cgroup) => (cgroup === "" ? undefined : "a cgroup of another container") },
  Links: "free",
  OomScoreAdj: { privilege: (value) => (value < 0 ? "--oom-score-adj below 0" : undefined) },
  PidMode: { privilege: isHost("--pid") },
  Privileged: { privilege: (value) => (value ? "--privileged" : undefined) },
  PublishAllPorts: "free",
  ReadonlyRootfs: "free",
  SecurityOpt: {
    privilege: (options) => {
      const more = options.find(
        (option) => !/^(?:no-new-privileges(?:[=:]true)?|seccomp=builtin)$/.test(option),
      );
      return more === undefined ? undefined : `--security-opt ${more.split(/[=:{]/, 1)[0]}`;
    },
  },
  StorageOpt: "free",
  Tmpfs: "free",
  UTSMode: { privilege: isHost("--uts") },
  UsernsMode: { privilege: isHost("--userns") },
  ShmSize: "free",
  Sysctls: "free",
  Runtime: {
    privilege: (runtime) => (["", "caisson"].includes(runtime) ? undefined : `--runtime ${runtime}`),
  },
  Isolation: "free",
  CpuShares: "free",
  Memory: "free",
  NanoCpus: "free",
  CgroupParent: { privilege: (parent) => (parent === "" ? undefined : "--cgroup-parent") },
  BlkioWeight: "free",
  BlkioWeightDevice: "free",
  BlkioDeviceReadBps: "free",
  BlkioDeviceWriteBps: "free",
  BlkioDeviceReadIOps: "free",
  BlkioDeviceWriteIOps: "free",
  CpuPeriod: "free",
  CpuQuota: "free",
  CpuRealtimePeriod: { privilege: positive("--cpu-rt-period") },
  CpuRealtimeRuntime: { privilege: positive("--cpu-rt-runtime") },
  CpusetCpus: "free",
  CpusetMems: "free",
  Devices: { privilege: some("--device") },
  DeviceCgroupRules: { privilege: some("--device-cgroup-rule") },
  DeviceRequests: { privilege: some("--gpus and other device requests") },
  MemoryReservation: "free",
  MemorySwap: "free",
  KernelMemoryTCP: "free",
  MemorySwappiness: "free",
  OomKillDisable: { privilege: (value) => (value ? "--oom-kill-disable" : undefined) },
  Init: "free",
  PidsLimit: "free",
  Ulimits: "free",
  CpuCount: "free",
  CpuPercent: "free",
  IOMaximumIOps: "free",
  IOMaximumBandwidth: "free",
  MaskedPaths: { privilege: given("--security-opt systempaths=unconfined") },
  ReadonlyPaths: { privilege: given("--security-opt systempaths=unconfined") },
};

/** These the engine fills in itself: in a container that exists they say nothing of what was asked. */
const filledIn: ReadonlySet<string> = new Set(["CgroupnsMode", "MaskedPaths", "ReadonlyPaths"]);

/** What a body asks of the host. */
export function accessOf(body: CreateBody): readonly HostAccess[] {
  return judge(body.HostConfig ?? {}, () => true);
}

/** What a container that exists has of the host, as `inspect` shows its HostConfig. */
export function accessOfExisting(host: Partial<HostConfig>): readonly HostAccess[] {
  return judge(host, (field) => !filledIn.has(field));
}

function judge(host: Partial<HostConfig>, counts: (field: string) => boolean): readonly HostAccess[] {
  return Object.entries(host).flatMap(([field, value]): HostAccess[] => {
    if (value === null || value === undefined || !counts(field)) return [];
    const judgement = (judgements as Readonly<Record<string, Judgement<unknown> | undefined>>)[field];
    // What nobody has decided on is a privilege.
    if (judgement === undefined) return [{ kind: "privilege", what: field }];
    if (judgement === "free") return [];
    const privilege = "privilege" in judgement;
    const what = privilege ? judgement.privilege(value) : judgement.mount(value);
    return what === undefined ? [] : [{ kind: privilege ? "privilege" : "mount", what }];
  });
}

const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

function hostBind(bind: string): string | undefined {
  const [source = ""] = bind.split(":");
  return volumeName.test(source) ? undefined : `a bind of ${source}`;
}

function hostMount({ Type, Source, VolumeOptions }: MountRequest): string | undefined {
  if (Type === "tmpfs" || Type === "image") return undefined;
  if (Type !== "volume") return `a mount of type ${Type}${Source === undefined ? "" : ` of ${Source}`}`;
  const { Name, Options } = VolumeOptions?.DriverConfig ?? {};
  return hostVolume(Name, Options);
}

/** What a volume with this driver and these options has of the host; undefined: a folder of its own. */
export function hostVolume(
  driver: string | undefined,
  options: Readonly<Record<string, string>> | null | undefined,
): string | undefined {
  if (driver !== undefined && driver !== "" && driver !== "local") return `the volume driver ${driver}`;
  const { type, device, o } = options ?? {};
  if (type === "tmpfs") return undefined;
  return device !== undefined || o !== undefined || type !== undefined
    ? "a volume of something on the host"
    : undefined;
}

function withPrefix(capability: string): string {
  return `CAP_${capability.toUpperCase().replace(/^CAP_/, "")}`;
}
