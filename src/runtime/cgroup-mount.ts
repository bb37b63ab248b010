/**
 * /sys/fs/cgroup of a container: detached copies of its own cgroup's directories, made by the parent.
 * @module
 */
import type { CgroupMounts } from "../cgroup/mod.ts";
import {
  cloneTree,
  CWD,
  flags,
  makeMount,
  mkdir,
  MOUNT_ATTR,
  MS,
  setMountAttributes,
  type Int,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import type { CompileContext } from "./context.ts";
import type { Spec } from "./spec.ts";

/** Something mounted below /sys/fs/cgroup. */
export interface CgroupChild {
  readonly name: string;
  readonly source: string;
  readonly slot: Slot;
}

/** What the container shall find, by its driver; undefined without a cgroup. */
export function cgroupMounts({
  cgroup,
  spec,
}: Pick<CompileContext, "cgroup"> & { readonly spec: Pick<Spec, "linux"> }): CgroupMounts | undefined {
  if (cgroup === undefined) return undefined;
  const own = spec.linux.namespaces.some(({ type, path }) => type === "cgroup" && path === undefined);
  return cgroup.driver.mounts(cgroup.cgroup, own ? "private" : "host");
}

/** Adds the making of /sys/fs/cgroup in `into` and of what goes below it in `children`. */
export function prepareCgroupMount(
  b: ProgramBuilder,
  mounts: CgroupMounts,
  readOnly: boolean,
  children: readonly CgroupChild[],
  context: Slot,
  into: Slot,
): void {
  const attributes = readOnly
    ? flags(MOUNT_ATTR, "RDONLY", "NOSUID", "NODEV", "NOEXEC")
    : flags(MOUNT_ATTR, "NOSUID", "NODEV", "NOEXEC");
  const only = mounts.binds[0];
  if (!mounts.tmpfs) {
    if (only !== undefined) take(b, "cgroup", only.source, attributes, into);
    return;
  }
  const system = {
    type: "tmpfs",
    options: [
      ["source", "cgroup"],
      ["mode", "755"],
    ] as [string, string][],
    attributes: flags(MOUNT_ATTR, "NOSUID", "NODEV", "NOEXEC"),
  };
  makeMount(b, "make /sys/fs/cgroup", system, context, into);
  for (const { name, target } of mounts.links) {
    b.call(`link /sys/fs/cgroup/${name}`, "symlinkat", [target, into, name]);
  }
  for (const { name, source, slot } of children) {
    mkdir(b, `make /sys/fs/cgroup/${name}`, into, name, 0o755);
    take(b, name, source, attributes, slot);
  }
}

function take(b: ProgramBuilder, name: string, source: string, set: Int, into: Slot): void {
  cloneTree(b, `take the container's own ${name} cgroup`, CWD, source, into);
  setMountAttributes(b, `set the options of ${name}`, into, { set, propagation: flags(MS, "PRIVATE") });
}
