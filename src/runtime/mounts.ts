/**
 * The mounts of config.json: what the parent prepares as detached mounts (binds, /dev: they need the host's rights) and
 * what the container's process makes itself in its own namespaces (proc, sysfs, tmpfs, …).
 * @module
 */
import {
  attachMount,
  cloneTree,
  close,
  CWD,
  flags,
  int,
  makeMount,
  MOUNT_ATTR,
  MS,
  openInRoot,
  setMountAttributes,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import { failure } from "../errors/mod.ts";
import { cgroupMounts, prepareCgroupMount, type CgroupChild } from "./cgroup-mount.ts";
import type { CompileContext } from "./context.ts";
import { defaultDevices, makeDev, type HostIds } from "./devices.ts";
import { parseMountOptions } from "./mount-options.ts";
import { components, openDirectoryTarget, openFileTarget, openOrdinaryDirectory } from "./paths.ts";
import type { SpecMount } from "./spec.ts";

/** A mount that the parent makes and the container's process attaches. */
export interface PreparedMount {
  readonly mount: SpecMount;
  readonly kind: "bind" | "dev" | "cgroup";
  readonly slot: Slot;
  readonly directory: boolean;
  /** For /sys/fs/cgroup: what is mounted below it. */
  readonly children: readonly CgroupChild[];
}

/** Slots that come and go while mounts are made. */
export interface Scratch {
  readonly context: Slot;
  readonly mount: Slot;
  readonly target: Slot;
  readonly directory: Slot;
}

/** Makes the scratch slots. */
export function makeScratch(b: ProgramBuilder): Scratch {
  return {
    context: b.slot("fs context"),
    mount: b.slot("mount"),
    target: b.slot("target"),
    directory: b.slot("directory"),
  };
}

const isBind = (mount: SpecMount): boolean =>
  mount.type === "bind" || (mount.options ?? []).some((option) => option === "bind" || option === "rbind");

/** Which mounts the parent prepares, each with its slot. */
export function planMounts(b: ProgramBuilder, context: CompileContext): PreparedMount[] {
  const planned: PreparedMount[] = [];
  for (const mount of context.spec.mounts) {
    const slot = (): Slot => b.slot(`mount ${mount.destination}`);
    if (isBind(mount)) {
      const directory = context.isDirectory(mount.source ?? "");
      planned.push({ mount, kind: "bind", slot: slot(), directory, children: [] });
    } else if (mount.type === "tmpfs" && components(mount.destination).join("/") === "dev") {
      planned.push({ mount, kind: "dev", slot: slot(), directory: true, children: [] });
    } else if (mount.type === "cgroup" && context.cgroup !== undefined) {
      const mounts = cgroupMounts(context);
      const binds = mounts?.tmpfs === true ? mounts.binds : [];
      const children = binds.map((bind) => ({ ...bind, slot: b.slot(`cgroup ${bind.name}`) }));
      planned.push({ mount, kind: "cgroup", slot: slot(), directory: true, children });
    }
  }
  return planned;
}

/** Adds what the parent does: detached copies of every bind's source, /dev, and the container's own cgroups. */
export function prepareMounts(
  b: ProgramBuilder,
  context: CompileContext,
  planned: readonly PreparedMount[],
  ids: HostIds,
  user: Slot | undefined,
  scratch: Scratch,
): void {
  for (const prepared of planned) {
    if (prepared.kind === "bind") {
      prepareBind(b, prepared, user);
    } else if (prepared.kind === "dev") {
      const devices = [...defaultDevices, ...(context.spec.linux.devices ?? [])];
      makeDev(b, prepared.mount, devices, ids, scratch.context, prepared.slot);
    } else {
      const mounts = cgroupMounts(context);
      const readOnly = (prepared.mount.options ?? []).includes("ro");
      if (mounts !== undefined) {
        prepareCgroupMount(b, mounts, readOnly, prepared.children, scratch.context, prepared.slot);
      }
    }
  }
}

function prepareBind(
  b: ProgramBuilder,
  { mount, slot, directory }: PreparedMount,
  user: Slot | undefined,
): void {
  const { destination, source } = mount;
  if (source === undefined) {
    throw failure("invalid-parameter", { message: `the bind on ${destination} has no source` });
  }
  const options = parseMountOptions(destination, mount.options ?? []);
  const { recursive } = options;
  cloneTree(b, `take ${source} for ${destination}`, CWD, source, slot, { recursive });
  // A bind keeps the propagation of its source unless it is told another one; private is Docker's and runc's default.
  const idmap = options.idmap ? user : undefined;
  const propagation = options.propagation ?? flags(MS, "PRIVATE");
  const everywhere = options.propagation === undefined || options.propagationRecursive;
  setMountAttributes(b, `detach ${destination} from the host's mount events`, slot, {
    propagation,
    // Nothing is below a file.
    recursive: directory && everywhere,
    ...(directory || idmap === undefined ? {} : { idmap }),
  });
  if (directory && idmap !== undefined) {
    setMountAttributes(b, `map the ids of ${destination}`, slot, { idmap });
  }
  if (options.set.value !== 0 || options.clear.value !== 0) {
    setMountAttributes(b, `set the options of ${destination}`, slot, {
      set: options.set,
      clear: options.clear,
    });
  }
  if (options.recursiveSet.value !== 0) {
    setMountAttributes(b, `set the options below ${destination}`, slot, {
      set: options.recursiveSet,
      recursive: true,
    });
  }
}

/** Adds what the container's process does: every mount of config.json in its order, below `root`. */
export function attachMounts(
  b: ProgramBuilder,
  context: CompileContext,
  root: Slot,
  prepared: readonly PreparedMount[],
  scratch: Scratch,
): void {
  for (const mount of context.spec.mounts) {
    const { destination } = mount;
    const ready = prepared.find((candidate) => candidate.mount === mount);
    if (ready?.directory === false) {
      openFileTarget(b, root, destination, scratch.target, scratch.directory);
    } else if (mount.type === "proc" || mount.type === "sysfs" || ready?.kind === "dev") {
      openOrdinaryDirectory(b, root, destination, scratch.target, scratch.directory);
    } else {
      openDirectoryTarget(b, root, destination, scratch.target, scratch.directory);
    }
    if (ready !== undefined) {
      attachMount(b, `mount ${destination}`, ready.slot, scratch.target);
      for (const child of ready.children) {
        openInRoot(b, `open ${destination}/${child.name}`, ready.slot, child.name, scratch.target);
        attachMount(b, `mount ${destination}/${child.name}`, child.slot, scratch.target);
      }
      if (mount.type === "cgroup" && (mount.options ?? []).includes("ro")) {
        setMountAttributes(b, `make ${destination} read-only`, ready.slot, {
          set: flags(MOUNT_ATTR, "RDONLY"),
        });
      }
    } else {
      makeFileSystem(b, mount, scratch);
    }
  }
}

/** File systems whose making by a container's own user namespace may be refused; the mount is left out then. */
const dispensable: ReadonlySet<string> = new Set(["mqueue"]);

function makeFileSystem(b: ProgramBuilder, mount: SpecMount, scratch: Scratch): void {
  const { destination } = mount;
  const type = mount.type ?? "none";
  if (type === "cgroup") return;
  const known = ["proc", "sysfs", "tmpfs", "devpts", "mqueue"];
  if (!known.includes(type)) {
    throw failure("invalid-parameter", {
      message: `the mount on ${destination} has the unknown type ${type}`,
    });
  }
  const options = parseMountOptions(destination, mount.options ?? []);
  const source: [string, string] = ["source", mount.source ?? type];
  const system = { type, options: [source, ...options.data], attributes: options.set };
  const tolerate = dispensable.has(type) ? (["ENODEV"] as const) : undefined;
  makeMount(b, `make ${type} for ${destination}`, system, scratch.context, scratch.mount, { tolerate });
  attachMount(b, `mount ${destination}`, scratch.mount, scratch.target, { optional: tolerate !== undefined });
  if (options.propagation !== undefined) {
    setMountAttributes(b, `set the propagation of ${destination}`, scratch.mount, {
      propagation: options.propagation,
    });
  }
  close(b, scratch.mount, tolerate !== undefined);
}

/** umask(2) 0: the modes of files that are made are the ones that are asked for. */
export function clearMask(b: ProgramBuilder): void {
  b.call("take every mode as it is given", "umask", [int(0, "0")]);
}
