/**
 * A root file system as a container sees it, for reading: a detached mount that nothing but a descriptor knows.
 * @module
 */
import {
  CWD,
  flags,
  makeOverlay,
  MOUNT_ATTR,
  O,
  open,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import type { RootPlan } from "./types.ts";

/**
 * Adds making the root read-only in `into`, with `imageOnly` without what the container wrote; `context` is a slot for
 * the time between. No device in it works.
 */
export function makeMergedRoot(
  b: ProgramBuilder,
  plan: RootPlan,
  context: Slot,
  into: Slot,
  imageOnly: boolean,
): void {
  const label = "put the root file system together";
  const layers =
    plan.kind === "directory" ? [plan.path] : [...(imageOnly ? [] : [plan.upper]), ...plan.lower];
  const [only] = layers;
  // An overlay that is only read needs two layers. The lowest hides nothing, so it is what it shows.
  if (layers.length === 1 && only !== undefined) {
    open(b, label, CWD, only, flags(O, "PATH", "DIRECTORY", "CLOEXEC"), into);
    return;
  }
  const overlay = {
    lower: layers,
    // With an index the kernel refuses layers that a container has mounted too.
    options: [["index", "off"]] as const,
    attributes: flags(MOUNT_ATTR, "RDONLY", "NOSUID", "NODEV", "NOEXEC"),
  };
  makeOverlay(b, label, overlay, plan.kind === "overlay" && plan.staged === true, context, into);
}
