/**
 * A root file system as a container sees it, for reading: a detached mount that nothing but a descriptor knows.
 * @module
 */
import { CWD, flags, makeMount, MOUNT_ATTR, open, type ProgramBuilder, type Slot } from "../kernel/mod.ts";
import { directoryOnly } from "./directories.ts";
import type { RootPlan } from "./types.ts";

/** Which parts of the root. */
export interface MergedRootOptions {
  /** An empty directory: an overlay that is only read needs two below. */
  readonly empty: string;
  /** Without what the container wrote. */
  readonly imageOnly?: boolean;
}

/** Adds making the root read-only in `into`; `context` is a slot for the time between. No device in it works. */
export function makeMergedRoot(
  b: ProgramBuilder,
  plan: RootPlan,
  context: Slot,
  into: Slot,
  options: MergedRootOptions,
): void {
  const label = "put the root file system together";
  if (plan.kind === "directory") {
    open(b, label, CWD, plan.path, directoryOnly, into);
    return;
  }
  const image = plan.lower.filter((path) => path !== options.empty);
  const layers = [...(options.imageOnly === true ? [] : [plan.upper]), ...image, options.empty];
  if (layers.length === 1) {
    open(b, label, CWD, options.empty, directoryOnly, into);
    return;
  }
  const lower = layers.map((path) => ["lowerdir+", path] as const);
  const system = {
    type: "overlay",
    // With an index the kernel refuses layers that a container has mounted too.
    options: [...lower, ["index", "off"] as const],
    attributes: flags(MOUNT_ATTR, "RDONLY", "NOSUID", "NODEV", "NOEXEC"),
  };
  makeMount(b, label, system, context, into);
}
