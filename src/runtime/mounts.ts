/**
 * The mounts of config.json: what the parent prepares as detached mounts (binds, /dev: they need the host's rights) and
 * what the container's process makes itself in its own namespaces (proc, sysfs, tmpfs, …).
 * @module
 */
import {
  attachMount,
  CLONE,
  cloneTree,
  close,
  CWD,
  descriptorPath,
  flags,
  int,
  makeMount,
  makeOverlay,
  MOUNT_ATTR,
  MS,
  O,
  open,
  openInRoot,
  openResolved,
  RESOLVE,
  setMountAttributes,
  slotList,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import { failure } from "../errors/mod.ts";
import { cgroupMounts, prepareCgroupMount, type CgroupChild } from "./cgroup-mount.ts";
import type { CompileContext } from "./context.ts";
import { defaultDevices, makeDev, type HostIds } from "./devices.ts";
import { parseMountOptions, type MountOptions } from "./mount-options.ts";
import {
  components,
  type Maker,
  openDirectoryTarget,
  openFileTarget,
  openOrdinaryDirectory,
} from "./paths.ts";
import type { Spec, SpecMount } from "./spec.ts";

/** What the mounts are made from. */
export interface MountContext extends Pick<CompileContext, "root" | "isDirectory" | "cgroup"> {
  readonly spec: Pick<Spec, "mounts" | "linux">;
  /** Whose the missing places of mounts become, where who makes them is not the container's root. */
  readonly maker?: Maker;
}

/** A mount that the parent makes and the container's process attaches. */
export interface PreparedMount {
  readonly mount: SpecMount;
  readonly kind: "bind" | "dev" | "cgroup" | "image" | "filesystem" | "taken";
  readonly slot: Slot;
  /** Whether it is no file. Of a part of what is mounted nobody knows before it is found. */
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
export function planMounts(b: ProgramBuilder, context: MountContext): PreparedMount[] {
  const planned: PreparedMount[] = [];
  for (const mount of context.spec.mounts) {
    const slot = (): Slot => b.slot(`mount ${mount.destination}`);
    if (mount.from !== undefined) {
      planned.push({ mount, kind: "taken", slot: slot(), directory: true, children: [] });
    } else if (isBind(mount)) {
      const directory = context.isDirectory(mount.source ?? "");
      planned.push({ mount, kind: "bind", slot: slot(), directory, children: [] });
    } else if (mount.type === "tmpfs" && components(mount.destination).join("/") === "dev") {
      planned.push({ mount, kind: "dev", slot: slot(), directory: true, children: [] });
    } else if (mount.type === "cgroup" && context.cgroup !== undefined) {
      const mounts = cgroupMounts(context);
      const binds = mounts?.tmpfs === true ? mounts.binds : [];
      const children = binds.map((bind) => ({ ...bind, slot: b.slot(`cgroup ${bind.name}`) }));
      planned.push({ mount, kind: "cgroup", slot: slot(), directory: true, children });
    } else if (mount.type === "overlay") {
      planned.push({ mount, kind: "image", slot: slot(), directory: true, children: [] });
    } else if (mount.type !== undefined && mount.type !== "cgroup" && !inner.has(mount.type)) {
      planned.push({ mount, kind: "filesystem", slot: slot(), directory: true, children: [] });
    }
  }
  return planned;
}

/** Adds what the parent does: detached copies of every bind's source, /dev, and the container's own cgroups. */
export function prepareMounts(
  b: ProgramBuilder,
  context: MountContext,
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
    } else if (prepared.kind === "image") {
      const staged = context.root.kind === "overlay" && context.root.staged === true;
      prepareImage(b, prepared, user, staged, scratch.context);
    } else if (prepared.kind === "taken") {
      prepareTaken(b, prepared, user, scratch);
    } else if (prepared.kind === "filesystem") {
      prepareFileSystem(b, prepared, user, scratch.context);
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
  setBindOptions(b, mount, slot, options, directory, user);
}

/** Adds the options of a bind whose source has been taken into `slot`. */
function setBindOptions(
  b: ProgramBuilder,
  { destination }: SpecMount,
  slot: Slot,
  options: MountOptions,
  directory: boolean,
  user: Slot | undefined,
): void {
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

/** Adds taking a mount of another mount namespace: only whoever is in it can. */
function prepareTaken(
  b: ProgramBuilder,
  { mount, slot }: PreparedMount,
  user: Slot | undefined,
  scratch: Scratch,
): void {
  const { destination, source = "/", from } = mount;
  if (from === undefined) return;
  const home = b.slot("the mount namespace so far");
  const other = b.slot(`mount namespace of ${destination}`);
  const namespace = flags(O, "RDONLY", "CLOEXEC");
  open(b, "remember the mount namespace", CWD, "/proc/self/ns/mnt", namespace, home);
  open(b, `open the mount namespace that has ${destination}`, CWD, from.namespace, namespace, other);
  b.call("go into it", "setns", [other, flags(CLONE, "NEWNS")]);
  const how = flags(O, "PATH", "DIRECTORY", "CLOEXEC");
  open(b, "open its root", CWD, "/", how, scratch.directory);
  const path = components(source).join("/") || ".";
  const strict = flags(RESOLVE, "IN_ROOT", "NO_SYMLINKS");
  openResolved(b, `open ${source} in it`, scratch.directory, path, how, strict, scratch.target);
  cloneTree(b, `take it for ${destination}`, scratch.target, "", slot);
  b.call("go back", "setns", [home, flags(CLONE, "NEWNS")]);
  close(b, home);
  setBindOptions(b, mount, slot, parseMountOptions(destination, mount.options ?? []), true, user);
  // As long as one who has it runs.
  if (from.keep) b.composite("keep it for others", "keep", [slotList([other]), int(1, "exit")]);
  else close(b, other);
}

/** Adds the layers of an image as one read-only file system, with mapped ids. */
function prepareImage(
  b: ProgramBuilder,
  { mount, slot }: PreparedMount,
  user: Slot | undefined,
  staged: boolean,
  scratch: Slot,
): void {
  const { destination } = mount;
  const options = parseMountOptions(destination, mount.options ?? []);
  const idmap = options.idmap ? user : undefined;
  const lower = options.data.find(([key]) => key === "lowerdir")?.[1] ?? "";
  const paths = lower.match(/(?:\\.|[^\\:])+/g)?.map((path) => path.replaceAll(/\\(.)/g, "$1")) ?? [];
  const [only, ...others] = paths;
  if (only === undefined) {
    throw failure("invalid-parameter", { message: `the overlay on ${destination} has no layers` });
  }
  const take = (path: string, into: Slot): void => {
    cloneTree(b, `take layer ${path} for ${destination}`, CWD, path, into);
    setMountAttributes(b, `detach layer ${path} from the host's mount events`, into, {
      propagation: flags(MS, "PRIVATE"),
      ...(idmap === undefined ? {} : { idmap }),
    });
  };
  // The lowest layer hides nothing, so it is what it shows; an overlay without an upper directory needs two.
  if (others.length === 0) {
    take(only, slot);
    setMountAttributes(b, `set the options of ${destination}`, slot, { set: options.set });
    return;
  }
  const layers = paths.map((path, index) => {
    const layer = b.slot(`layer ${index} of ${destination}`);
    take(path, layer);
    return layer;
  });
  // With an index the kernel refuses layers that a container has mounted too.
  const overlay = { lower: layers, options: [["index", "off"]] as const, attributes: options.set };
  makeOverlay(b, `put the image for ${destination} together`, overlay, staged, scratch, slot);
  for (const layer of layers) close(b, layer);
}

/** Label of what mounts the file system of a volume: who fails there is told in Docker's words. */
export const MOUNTING_VOLUME = "mount local volume";

/** Adds a file system of its own, which only the host's root may mount. */
function prepareFileSystem(
  b: ProgramBuilder,
  { mount, slot }: PreparedMount,
  user: Slot | undefined,
  scratch: Slot,
): void {
  const { destination, type = "", source = "none" } = mount;
  const options = parseMountOptions(destination, mount.options ?? []);
  const system = {
    type,
    options: [["source", source] as const, ...options.data],
    attributes: options.set,
  };
  makeMount(b, `${MOUNTING_VOLUME} ${source}`, system, scratch, slot);
  if (options.idmap && user !== undefined)
    setMountAttributes(b, `map the ids of ${destination}`, slot, { idmap: user });
}

/** Adds what the container's process does: every mount of config.json in its order, below `root`. */
export function attachMounts(
  b: ProgramBuilder,
  context: MountContext,
  root: Slot,
  prepared: readonly PreparedMount[],
  scratch: Scratch,
): void {
  for (const mount of context.spec.mounts) {
    const { destination } = mount;
    const ready = prepared.find((candidate) => candidate.mount === mount);
    if (ready !== undefined && mount.subpath !== undefined) {
      attachPart(b, context, root, ready.slot, mount, scratch);
      continue;
    }
    if (ready?.directory === false) {
      openFileTarget(b, root, destination, scratch.target, scratch.directory, context.maker);
    } else if (mount.type === "proc" || mount.type === "sysfs" || ready?.kind === "dev") {
      openOrdinaryDirectory(b, root, destination, scratch.target, scratch.directory, context.maker);
    } else {
      openDirectoryTarget(b, root, destination, scratch.target, scratch.directory, context.maker);
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

/** Label of what looks for a part of a volume or an image: who fails there is told in Docker's words. */
export const FINDING_PART = "access path";

/**
 * Adds mounting a part of what `whole` refers to. It is found in there by descriptors and no link leads out of it
 * (RESOLVE_BENEATH; CVE-2024-23651 is what happens else). A part can be taken of an attached mount only, so `whole` is
 * attached for a moment, where nobody sees it.
 */
function attachPart(
  b: ProgramBuilder,
  { maker }: MountContext,
  root: Slot,
  whole: Slot,
  mount: SpecMount,
  scratch: Scratch,
): void {
  const { destination, subpath = ".", source = "" } = mount;
  const how = flags(O, "PATH", "DIRECTORY", "CLOEXEC");
  open(b, `open a place for all that ${destination} is a part of`, CWD, "/", how, scratch.target);
  attachMount(b, "attach all of it", whole, scratch.target);
  const beneath = flags(RESOLVE, "BENEATH", "NO_MAGICLINKS");
  const path = `${source}/${subpath}`;
  openResolved(
    b,
    `${FINDING_PART} ${path}`,
    whole,
    subpath,
    flags(O, "PATH", "CLOEXEC"),
    beneath,
    scratch.directory,
  );
  cloneTree(b, `take the part for ${destination}`, scratch.directory, "", scratch.mount);
  b.call("let go of all of it", "umount2", [descriptorPath(whole), int(2, "MNT_DETACH")]);
  const found = open(b, "is it a directory?", scratch.mount, ".", how, scratch.directory, {
    tolerate: ["ENOTDIR"],
  });
  b.skipIf("unless it is a directory", found, ">=0", 0, () => {
    openFileTarget(b, root, destination, scratch.target, scratch.directory, maker);
  });
  b.skipIf("unless it is a file", found, "<0", 0, () => {
    openDirectoryTarget(b, root, destination, scratch.target, scratch.directory, maker);
  });
  attachMount(b, `mount ${destination}`, scratch.mount, scratch.target);
  close(b, scratch.mount);
}

/** File systems that the container's process mounts itself. */
const inner: ReadonlySet<string> = new Set(["proc", "sysfs", "tmpfs", "devpts", "mqueue"]);

/** File systems whose making by a container's own user namespace may be refused; the mount is left out then. */
const dispensable: ReadonlySet<string> = new Set(["mqueue"]);

function makeFileSystem(b: ProgramBuilder, mount: SpecMount, scratch: Scratch): void {
  const { destination } = mount;
  const type = mount.type ?? "none";
  if (type === "cgroup") return;
  if (!inner.has(type)) {
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
