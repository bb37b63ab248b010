/**
 * What a bundle's config.json does not say but its program needs: where the layers lie, which cgroup, what the sources
 * of binds are. Plain data, gathered before; compiling is pure.
 * @module
 */
import type { Cgroup, CgroupDriver, Resources } from "../cgroup/mod.ts";
import type { ProgramBuilder, Result, Slot } from "../kernel/mod.ts";
import type { Spec } from "./spec.ts";

/** Layers joined by overlayfs, topmost first; `upper` and `work` take what the container writes. */
export interface OverlayRoot {
  readonly kind: "overlay";
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /**
   * Nothing that the container writes outlives it, so nobody waits until the disk has it: neither fsync(2) in the
   * container, nor the end of the mount (overlayfs.rst, "Volatile mount").
   */
  readonly volatile?: boolean;
  /** Whether the kernel takes only layers that are mounted: before Linux 6.15. */
  readonly staged?: boolean;
}

/** A directory of the host (a drop-in runtime's bundle, vfs). */
export interface DirectoryRoot {
  readonly kind: "directory";
  readonly path: string;
}

export type RootFileSystem = OverlayRoot | DirectoryRoot;

/** The container's cgroup, and who manages it. */
export interface CgroupPlan {
  readonly driver: CgroupDriver;
  readonly cgroup: Cgroup;
  readonly resources: Resources;
}

/** What makes a container's network out of its new network namespace: whoever knows networks adds the operations. */
export interface NetworkPlan {
  /** Adds, in the shim, what needs nothing of the container: it is done while the process makes its namespaces. */
  before(b: ProgramBuilder): void;
  /** Adds, in the shim, what is done from the host's side once the container's process `pid` has its namespaces. */
  outside(b: ProgramBuilder, pid: Result): void;
  /** Adds, in the container's process as root of its namespaces, what is done from inside, `lo` included. */
  inside(b: ProgramBuilder): void;
}

export interface CompileContext {
  readonly id: string;
  readonly spec: Spec;
  readonly root: RootFileSystem;
  readonly cgroup?: CgroupPlan;
  /** Whether the source of a bind is a directory. */
  readonly isDirectory: (source: string) => boolean;
  /** A running container's process whose namespaces are joined; see {@link Join}. */
  readonly join?: Join;
  /** How the new network namespace is connected; undefined: it has `lo` alone. */
  readonly network?: NetworkPlan;
  /** Whether stdin is a pipe and not /dev/null. */
  readonly openStdin: boolean;
  /** Whether the process begins as an init that starts the command (`--init`). */
  readonly init?: boolean;
  /** The newest capability that the kernel knows; what is dropped goes up to it. */
  readonly lastCapability: number;
  /** Compiled seccomp filter (struct sock_filter[]) and its SECCOMP_FILTER_FLAG_*. */
  readonly seccomp?: { readonly filter: Uint8Array; readonly flags: number };
}

/** Namespaces of another process that are joined together, its user namespace among them if it has one of its own. */
export interface Join {
  readonly pid: number;
  readonly namespaces: ReadonlySet<string>;
  /** Further processes of the same user namespace, of which others are joined. */
  readonly others?: readonly Omit<Join, "others">[];
}

/** Slots that the shim fills or reads; a program for a shim makes them first and in this order. */
export interface ShimSlotSet {
  readonly stdin: Slot;
  readonly stdout: Slot;
  readonly stderr: Slot;
  readonly terminal: Slot;
}

/** Makes the shim's slots in a new program. */
export function makeShimSlots(b: ProgramBuilder): ShimSlotSet {
  return {
    stdin: b.slot("stdin"),
    stdout: b.slot("stdout"),
    stderr: b.slot("stderr"),
    terminal: b.slot("terminal"),
  };
}
