/**
 * A container as an OCI bundle's config.json: Docker's words translated to the runtime's.
 * @module
 */
import type { ExecBody } from "./engine.ts";
import { failure } from "../errors/mod.ts";
import type { Spec, SpecDevice, SpecMount, SpecNamespace, SpecProcess, SpecRlimit } from "../runtime/mod.ts";
import { capabilitySets, rangeMappings, resolveCapabilities, type ResolvedUser } from "../security/mod.ts";
import type { ContainerRecord, MountPoint } from "./container.ts";
import type { HostConfig } from "./container-types.ts";
import { specMount } from "./spec-mounts.ts";
import { directly, hostDevicePaths, mappedDevices, type DeviceFiles } from "./host-devices.ts";
import { containerResources } from "./resources.ts";

/** What the record doesn't say. */
export interface SpecContext {
  readonly user: ResolvedUser;
  /** Folder of the container's own hosts, hostname and resolv.conf. */
  readonly directory: string;
  /** Capabilities that containers may get on this host, as a mask. */
  readonly capabilities: bigint;
  /** Sources of binds whose file systems can't map ids; they are bound as they are. */
  readonly cgroupsPath: string;
  /** Mappings of the container whose user namespace is joined. */
  readonly joinedRange?: number;
  readonly noNewPrivileges: boolean;
  readonly ulimits: readonly SpecRlimit[];
  /** The process whose IPC namespace is joined. */
  readonly ipcOf?: number;
  /** Variables of links to other containers. */
  readonly linked?: readonly string[];
  /** The devices that it names. */
  readonly devices?: DeviceFiles;
  /** Directories of an image's layers, topmost first. */
  readonly layerPaths: (chain: readonly string[]) => readonly string[];
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment: Docker's own variables first, then the configuration's; a name without a value unsets it. */
export function environment(
  record: ContainerRecord,
  tty: boolean,
  home: string,
  linked: readonly string[] = [],
): string[] {
  const { config } = record;
  const hostname = config.Hostname === "" ? [] : [`HOSTNAME=${config.Hostname}`];
  const result = [defaultPath, ...hostname, ...(tty ? ["TERM=xterm"] : []), ...linked];
  override(result, config.Env ?? []);
  if (!result.some((entry) => entry.startsWith("HOME="))) result.push(`HOME=${home}`);
  return result;
}

/** An exec's: the container's with its own over it. A `HOME` that nobody set is that of the exec's user. */
export function execEnvironment(
  record: ContainerRecord,
  tty: boolean,
  home: string,
  { Env: own, User: user = "" }: ExecBody,
  linked: readonly string[] = [],
): string[] {
  const given = (record.config.Env ?? []).some((entry) => entry.startsWith("HOME="));
  const result = environment(record, tty, home, linked).filter(
    (entry) => (given && user === "") || !entry.startsWith("HOME="),
  );
  override(result, own ?? []);
  if (!result.some((entry) => entry.startsWith("HOME="))) result.push(`HOME=${home}`);
  return result;
}

/** Sets what `entries` say in `result`; a name without a value unsets it. */
function override(result: string[], entries: readonly string[]): void {
  for (const entry of entries) {
    const name = entry.split("=", 1)[0] ?? "";
    const index = result.findIndex((other) => other.startsWith(`${name}=`));
    if (!entry.includes("=")) {
      if (index !== -1) result.splice(index, 1);
    } else if (index === -1) {
      result.push(entry);
    } else {
      result[index] = entry;
    }
  }
}

/** Docker's capabilities for this container; those of a user other than root are ambient only if they were asked for. */
export function processCapabilities(
  host: HostConfig,
  uid: number,
  available: bigint,
  privileged: boolean,
): NonNullable<SpecProcess["capabilities"]> {
  const names = resolveCapabilities({
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
    privileged,
    available,
  });
  return capabilitySets(names, { uid, added: host.CapAdd ?? [] });
}

function namespaces(record: ContainerRecord): SpecNamespace[] {
  const { hostConfig: host, userNamespace } = record;
  const result: SpecNamespace[] = [{ type: "mount" }];
  if (userNamespace.mode === "private") result.push({ type: "user" });
  const own = (mode: string): boolean => mode !== "host" && !mode.startsWith("container:");
  if (own(host.NetworkMode)) result.push({ type: "network" });
  if (own(host.PidMode)) result.push({ type: "pid" });
  if (own(host.IpcMode)) result.push({ type: "ipc" });
  if (own(host.UTSMode)) result.push({ type: "uts" });
  if (host.CgroupnsMode === "private") result.push({ type: "cgroup" });
  return result;
}

function systemMounts(record: ContainerRecord, ipcOf: number | undefined): SpecMount[] {
  const { hostConfig: host } = record;
  const readOnly = host.Privileged ? [] : ["ro"];
  const quiet = ["nosuid", "noexec", "nodev"];
  const mounts: SpecMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: quiet },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: [...quiet, ...readOnly] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...readOnly, ...quiet] },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
  ];
  if (ipcOf !== undefined) {
    // Shared memory belongs to the IPC namespace: POSIX's is in files.
    const from = { namespace: `/proc/${ipcOf}/ns/mnt`, keep: false };
    mounts.push({
      destination: "/dev/shm",
      type: "bind",
      source: "/dev/shm",
      options: ["bind", "rprivate"],
      from,
    });
  } else if (host.IpcMode !== "none" && host.IpcMode !== "host") {
    const options = [...quiet, "mode=1777", `size=${host.ShmSize}`];
    mounts.push({ destination: "/dev/shm", type: "tmpfs", source: "shm", options });
  } else if (host.IpcMode === "host") {
    mounts.push({
      destination: "/dev/shm",
      type: "bind",
      source: "/dev/shm",
      options: ["rbind", "rprivate"],
    });
  }
  return mounts;
}

function ownFiles(record: ContainerRecord, directory: string): SpecMount[] {
  const idmap = record.userNamespace.mode === "host" ? [] : ["idmap"];
  const taken = new Set(record.mounts.map(({ destination }) => destination));
  return ["resolv.conf", "hostname", "hosts"]
    .filter((name) => !taken.has(`/etc/${name}`))
    .map((name) => ({
      destination: `/etc/${name}`,
      type: "bind",
      source: `${directory}/${name}`,
      options: ["rbind", "rprivate", ...idmap],
    }));
}

const depth = (path: string): number => path.split("/").filter((part) => part !== "").length;

/** Devices beside those that every container has; a later one takes the place of an earlier. */
function devices(host: HostConfig, files: DeviceFiles): SpecDevice[] {
  const all = host.Privileged
    ? hostDevicePaths().map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: "rwm" }))
    : [];
  const given = [
    ...all.flatMap((mapping) => mappedDevices(mapping)),
    ...(host.Devices ?? []).flatMap((mapping) => mappedDevices(mapping, files)),
  ];
  const places = new Map(given.map((device) => [device.path, device]));
  return [...places.values()].map(({ type, path, major, minor, mode }) => {
    if (!path.startsWith("/dev/"))
      throw failure("not-implemented", { what: `the device ${path}, which is not in /dev,` });
    return { type, path, major, minor, fileMode: mode };
  });
}

/** Sysctls that Docker sets where the container has the namespace: ping and low ports for everybody. */
function sysctls(host: HostConfig): Record<string, string> {
  const own = !(host.NetworkMode === "host" || host.NetworkMode.startsWith("container:"));
  const defaults: Record<string, string> = own
    ? { "net.ipv4.ping_group_range": "0 65535", "net.ipv4.ip_unprivileged_port_start": "0" }
    : {};
  return { ...defaults, ...host.Sysctls };
}

/** The rlimits of a container: its own, over the engine's defaults. */
function rlimits(host: HostConfig, defaults: readonly SpecRlimit[]): SpecRlimit[] {
  const limits = new Map(defaults.map((limit) => [limit.type, limit]));
  for (const { Name, Soft, Hard } of host.Ulimits ?? []) {
    const type = `RLIMIT_${Name.toUpperCase()}`;
    limits.set(type, { type, soft: Soft, hard: Hard });
  }
  return [...limits.values()];
}

/** Where the container is isolated by `--security-opt no-new-privileges`. */
export function noNewPrivileges(host: HostConfig, byDefault: boolean): boolean {
  const option = (host.SecurityOpt ?? []).findLast((text) => /^no-new-privileges([=:]|$)/.test(text));
  if (option === undefined) return byDefault;
  return !/[=:](false|0)$/.test(option);
}

/** A range of ids as config.json writes its mappings. */
export function specMappings(range: number): { containerID: number; hostID: number; size: number }[] {
  return rangeMappings(range).map(({ containerId, hostId, size }) => ({
    containerID: containerId,
    hostID: hostId,
    size,
  }));
}

/** Where a container has its own files and its mounts of users, outermost first. */
export function fileDestinations(record: ContainerRecord): string[] {
  return [
    ...record.mounts.map(({ destination }) => destination),
    ...ownFiles(record, "").map(({ destination }) => destination),
  ].toSorted((a, b) => depth(a) - depth(b));
}

/** Its mounts of users but for tmpfs, and its own files, outermost first; `idmap` is whether ids are mapped. */
export function fileMounts(
  record: ContainerRecord,
  { directory, layerPaths }: Pick<SpecContext, "directory" | "layerPaths">,
  idmap: boolean,
): SpecMount[] {
  const custom = record.mounts.filter(({ type }) => type !== "tmpfs");
  return [
    ...custom.map((mount) => specMount(mount, idmap, layerPaths)),
    ...ownFiles(record, directory),
  ].toSorted((a, b) => depth(a.destination) - depth(b.destination));
}

/** Makes config.json. */
export function makeSpec(record: ContainerRecord, context: SpecContext): Spec {
  const { config, hostConfig: host, userNamespace, idRange } = record;
  const { user, directory, capabilities } = context;
  const range = userNamespace.mode === "private" ? idRange : context.joinedRange;
  const mappings = range === undefined ? undefined : specMappings(range);
  const idmap = mappings !== undefined;
  const custom = record.mounts
    .map((mount) => specMount(mount, idmap, context.layerPaths))
    .toSorted((a, b) => depth(a.destination) - depth(b.destination));
  const system = systemMounts(record, context.ipcOf).filter(
    ({ destination }) => !custom.some((mount) => mount.destination === destination),
  );
  const [rows, columns] = host.ConsoleSize;
  const args = [record.path, ...record.args];
  if (args[0] === "") throw failure("invalid-parameter", { message: "no command specified" });
  return {
    ociVersion: "1.2.1",
    process: {
      terminal: config.Tty,
      ...(config.Tty && rows > 0 ? { consoleSize: { height: rows, width: columns } } : {}),
      user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
      args,
      env: environment(record, config.Tty, user.home, context.linked),
      cwd: config.WorkingDir || "/",
      capabilities: processCapabilities(host, user.uid, capabilities, host.Privileged),
      rlimits: rlimits(host, context.ulimits),
      noNewPrivileges: noNewPrivileges(host, context.noNewPrivileges),
      oomScoreAdj: host.OomScoreAdj,
    },
    root: { path: "rootfs", readonly: host.ReadonlyRootfs },
    hostname: config.Hostname,
    ...(config.Domainname === "" ? {} : { domainname: config.Domainname }),
    mounts: [...system, ...ownFiles(record, directory), ...custom],
    annotations: { ...host.Annotations },
    linux: {
      namespaces: namespaces(record),
      ...(mappings === undefined ? {} : { uidMappings: mappings, gidMappings: mappings }),
      devices: devices(host, context.devices ?? directly),
      cgroupsPath: context.cgroupsPath,
      resources: containerResources(host, context.devices),
      sysctl: sysctls(host),
      rootfsPropagation: rootPropagation(record.mounts),
      maskedPaths: host.MaskedPaths ?? [],
      readonlyPaths: host.ReadonlyPaths ?? [],
    },
  };
}

/** A bind that shares mount events needs a root that lets them through. */
function rootPropagation(mounts: readonly MountPoint[]): string {
  if (mounts.some(({ propagation }) => propagation.endsWith("shared"))) return "rshared";
  if (mounts.some(({ propagation }) => propagation.endsWith("slave"))) return "rslave";
  return "rprivate";
}
