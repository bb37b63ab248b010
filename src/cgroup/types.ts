/**
 * What a container's cgroup is made of, and what a driver does with it. A driver is pure: it adds operations to a
 * program; whoever runs the program does something to the kernel.
 * @module
 */
import type { Out, ProgramBuilder, Result, Slot } from "../kernel/mod.ts";

/** A mounted hierarchy of the host. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** `["cpu", "cpuacct"]`, `["name=systemd"]`; of version 2 whatever is enabled in it. */
  readonly controllers: readonly string[];
  /** Where it is mounted: `/sys/fs/cgroup/memory`. */
  readonly mountPoint: string;
  /** The engine's own cgroup, from the mount point: `/`, `/system.slice/caisson.service`. */
  readonly own: string;
}

/** The host's cgroups as they were when the engine looked. */
export interface CgroupHost {
  /** Which version limits containers. */
  readonly version: 1 | 2;
  /** Version 1 has the controllers, but version 2 is mounted too. */
  readonly hybrid: boolean;
  /** The hierarchies that containers join: all of version 1, or the one of version 2. */
  readonly hierarchies: readonly Hierarchy[];
  /**
   * What lies in a cgroup of each hierarchy, by its mount point: tells what the kernel supports. Of version 1 it is the
   * topmost cgroup, of version 2 the engine's own, because the topmost one has no limits.
   */
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
  /** Version 1: the processors and memory nodes of the topmost cpuset. */
  readonly cpuset?: { readonly cpus: string; readonly mems: string };
}

/** A container's cgroup: a directory in each hierarchy. It need not exist. */
export interface Cgroup {
  /** From the mount points, as far as all hierarchies agree: `/docker/ID`. */
  readonly path: string;
  readonly directories: readonly CgroupDirectory[];
}

export interface CgroupDirectory {
  readonly hierarchy: Hierarchy;
  /** Absolute on the host. */
  readonly path: string;
  /** The parents to be made, topmost first, absolute; never the mount point itself. */
  readonly parents: readonly string[];
}

/** A cgroup that the program being built has made. */
export interface CreatedCgroup extends Cgroup {
  /** Version 2: its directory, open. {@link CgroupDriver.openEntrance} takes it over. */
  readonly directory?: Slot;
}

/** A way into a cgroup for a child that is about to be made. */
export interface Entrance {
  /** Version 2: for `clone`'s option `cgroup`, so that the child is born in the cgroup. */
  readonly slot?: Slot;
  /** Version 1: what the child joins by itself. */
  readonly cgroup?: Cgroup;
}

/** A rule of `devices`; a later one overrides an earlier one. */
export interface DeviceRule {
  readonly allow: boolean;
  /** `a`: all devices, whatever the numbers say. */
  readonly type: "a" | "b" | "c";
  /** Undefined: any. */
  readonly major?: number;
  readonly minor?: number;
  /** Of `r`, `w` and `m` (mknod). */
  readonly access: string;
}

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** Bytes or operations per second of one device. */
export interface ThrottleDevice extends DeviceNumber {
  readonly rate: number;
}

export interface MemoryResources {
  /** Bytes; -1: no limit. */
  readonly limit?: number;
  /** Soft limit in bytes. */
  readonly reservation?: number;
  /** Memory and swap together in bytes, as version 1 counts; -1: no limit. */
  readonly swap?: number;
  /** TCP buffers in bytes. Version 1 only. */
  readonly kernelTCP?: number;
  /** 0 to 100. Version 1 only. */
  readonly swappiness?: number;
  /** Version 1 only. */
  readonly disableOOMKiller?: boolean;
}

export interface CpuResources {
  /** 2 to 262144. */
  readonly shares?: number;
  /** Microseconds in each period; -1: no limit. */
  readonly quota?: number;
  readonly period?: number;
  readonly burst?: number;
  /** Version 1 only. */
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  /** `0-3,7` */
  readonly cpus?: string;
  readonly mems?: string;
  /** 1: SCHED_IDLE. */
  readonly idle?: number;
}

export interface BlockIOResources {
  /** 10 to 1000. */
  readonly weight?: number;
  readonly weightDevice?: readonly (DeviceNumber & { readonly weight: number })[];
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[];
}

/** OCI's linux.resources; what is undefined isn't touched. */
export interface Resources {
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  /** -1: no limit. */
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockIOResources;
  /** `pageSize` as the kernel writes it: `2MB`. */
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly devices?: readonly DeviceRule[];
  /** Version 1 only. */
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Files of version 2 and what to write there, line by line. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** What can be changed while the container runs. Version 2 keeps no quota beside a period that comes alone. */
export type LiveResources = Omit<Resources, "devices">;

/** What a container finds at /sys/fs/cgroup. */
export interface CgroupMounts {
  /** Whether a tmpfs lies underneath, in which the binds' and links' names are made. */
  readonly tmpfs: boolean;
  /** Directories of the host, bound to `name` in the tmpfs, or without a tmpfs to /sys/fs/cgroup itself (`""`). */
  readonly binds: readonly { readonly source: string; readonly name: string }[];
  /** `cpu` → `cpu,cpuacct` */
  readonly links: readonly { readonly name: string; readonly target: string }[];
}

/** One way of managing the containers' cgroups. */
export interface CgroupDriver {
  readonly name: "cgroupfs" | "systemd";
  readonly version: 1 | 2;
  /** What --cgroup-parent is by default: `/docker`, `system.slice`. */
  readonly defaultParent: string;

  /** Where the cgroup of container `id` below `parent` lies. Fails with `invalid-parameter` for a bad parent. */
  locate(parent: string, id: string): Cgroup;

  /**
   * Makes what the cgroup's parents lack: directories, delegated controllers. Enough once per parent, until somebody
   * removes it (then `create` fails with ENOENT).
   */
  prepareParent(b: ProgramBuilder, cgroup: Cgroup): void;

  /**
   * Makes the cgroup and sets its limits. An empty one that was left behind is used again. Fails at once, before
   * anything runs, with `missing-controller` or `invalid-parameter` if a limit can't be set on this host.
   */
  create(b: ProgramBuilder, cgroup: Cgroup, resources: Resources): CreatedCgroup;

  /**
   * The quick way in, for a container's first process and for an exec's: before `clone`, whose option `cgroup` gets the
   * entrance's slot. The child then begins with `enter`, while it has one thread and root's user id, in whatever
   * namespaces. Both sides close it.
   */
  openEntrance(b: ProgramBuilder, cgroup: Cgroup | CreatedCgroup): Entrance;
  enter(b: ProgramBuilder, entrance: Entrance): void;
  closeEntrance(b: ProgramBuilder, entrance: Entrance): void;

  /**
   * Moves a process of any user, or the process that runs the program (which must have one thread), into the cgroup.
   * Moving another process waits for an RCU grace period: up to 0.2 ms here, 10 ms and more on other hosts.
   */
  join(b: ProgramBuilder, cgroup: Cgroup, pid: Result | "self"): void;

  /** Changes limits of a cgroup in use. */
  update(b: ProgramBuilder, cgroup: Cgroup, resources: LiveResources): void;

  /**
   * Asks for the cgroup to be frozen; what the result holds afterwards tells `isFrozen` whether it is yet. If not, run the
   * program again: processes are frozen as they get to run.
   */
  freeze(b: ProgramBuilder, cgroup: Cgroup): Out;
  isFrozen(state: Uint8Array): boolean;
  thaw(b: ProgramBuilder, cgroup: Cgroup): void;

  /** Removes the empty cgroup; missing is fine. EBUSY: use `removeTree`. */
  remove(b: ProgramBuilder, cgroup: Cgroup): void;

  /** What a container in `cgroup` shall find at /sys/fs/cgroup. */
  mounts(cgroup: Cgroup, namespace: "private" | "host"): CgroupMounts;

  /**
   * The systemd driver: has systemd make the cgroup with this process in it, before `create` sets limits. A limit of
   * processes has room for it, by both; `update` and `amend` take that away when it is gone.
   */
  acquire?(cgroup: Cgroup, pid: number, resources: Resources): Promise<void>;
  /** The systemd driver: tells systemd of changed limits, beside `update`. */
  amend?(cgroup: Cgroup, resources: LiveResources): Promise<void>;
  /** The systemd driver: lets systemd forget the cgroup, after its last process is gone. */
  release?(cgroup: Cgroup): Promise<void>;
}
