/**
 * A look into a container from outside of it: a program after which a session's root directory is the container's, with
 * its volumes, binds and tmpfs, and the session is the container's root: nothing else of the host exists for it, and it
 * may do no more than that user may. No process of the container can see it, and it executes nothing. What the kernel
 * itself shows in a container (/proc, /sys, /dev) isn't there, as in Docker.
 *
 * It has a mount namespace of its own, so nothing of this is ever seen by others, and all ends with the session.
 * @module
 */
import {
  attachMount,
  CLONE,
  cloneTree,
  close,
  CWD,
  flags,
  int,
  MOUNT_ATTR,
  MS,
  O,
  open,
  openInRoot,
  openResolved,
  ProgramBuilder,
  RESOLVE,
  setMountAttributes,
  text,
  writeProc,
  type Program,
  type Slot,
} from "../kernel/mod.ts";
import type { RootFileSystem } from "./context.ts";
import { clearMask, makeScratch, prepareBind, type Scratch } from "./mounts.ts";
import { mapText } from "./namespaces.ts";
import { components, openDirectoryTarget, openFileTarget } from "./paths.ts";
import { becomeRoot } from "./process.ts";
import { assembleRoot, attachRoot, pivotRoot } from "./rootfs.ts";
import type { IdMapping, SpecMount } from "./spec.ts";

/** A bind of a view. */
export interface ViewBind {
  readonly mount: SpecMount;
  readonly directory: boolean;
}

/** What is looked into. */
export type View =
  /** A container that doesn't run: its root is put together as for a start, and nobody can start it meanwhile. */
  | {
      readonly kind: "stopped";
      readonly root: RootFileSystem;
      /** Ids of its user namespace, if it has one of its own. */
      readonly mappings?: readonly IdMapping[];
      /** In the order in which they are mounted. Those whose source is missing are left out. */
      readonly binds: readonly ViewBind[];
      /** Whether its root may not be written to, when its mounts have their places. */
      readonly readOnly: boolean;
    }
  /** A running one. */
  | {
      readonly kind: "running";
      readonly pid: number;
      /** Whether its user namespace isn't the host's. */
      readonly user: boolean;
      /** Where it has the mounts that are to be seen, in the order in which they were mounted. */
      readonly destinations: readonly string[];
    };

/** Slots of the session that are free for what is done in the view; the first one holds its root directory. */
export const viewSlots = 16;

/** A mount that waits to be attached. */
interface Attachable {
  readonly slot: Slot;
  readonly destination: string;
  readonly directory: boolean | "as it is";
}

/** Compiles the entering of a view. Its errno is ESRCH if a running container has exited. */
export function compileView(view: View): Program {
  const b = new ProgramBuilder();
  const [inside] = Array.from({ length: viewSlots }, (_, index) => b.slot(`slot ${index} of the session`));
  const scratch = makeScratch(b);
  const root = b.slot("root");
  const user = b.slot("user namespace");
  clearMask(b);
  const enter =
    view.kind === "stopped" ? stopped(b, view, root, user, scratch) : running(b, view, root, user);
  attachRoot(b, root, scratch.target);
  for (const mount of enter.mounts) attach(b, root, mount, scratch);
  if (view.kind === "stopped" && view.readOnly)
    setMountAttributes(b, "make the root read-only", root, { set: flags(MOUNT_ATTR, "RDONLY") });
  pivotRoot(b, root, undefined);
  if (enter.user) {
    b.call("enter the container's user namespace", "setns", [user, flags(CLONE, "NEWUSER")]);
    becomeRoot(b);
  }
  if (inside !== undefined)
    open(b, "open its root", CWD, "/", flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), inside);
  for (const slot of [root, user, scratch.target, scratch.directory, ...enter.done]) close(b, slot, true);
  return b.build();
}

interface Entering {
  readonly mounts: readonly Attachable[];
  readonly user: boolean;
  /** What is of no use in the view. */
  readonly done: readonly Slot[];
}

function leaveHost(b: ProgramBuilder): void {
  b.call("make a mount namespace of its own", "unshare", [flags(CLONE, "NEWNS")]);
  b.call("cut off the host's mount events", "mount", [0, "/", 0, flags(MS, "REC", "PRIVATE"), 0]);
}

function stopped(
  b: ProgramBuilder,
  { root: system, mappings, binds }: Extract<View, { kind: "stopped" }>,
  root: Slot,
  user: Slot,
  scratch: Scratch,
): Entering {
  leaveHost(b);
  const idmap = mappings === undefined ? undefined : user;
  if (mappings !== undefined) makeUserNamespace(b, mappings, user);
  // The lock is the last of what it keeps, and the one thing that has to be kept: the mounts hold themselves.
  const kept = assembleRoot(b, system, idmap, scratch.context, root);
  const mounts = binds.map(({ mount, directory }): Attachable => {
    const slot = b.slot(`mount ${mount.destination}`);
    prepareBind(b, { mount, kind: "bind", slot, directory, children: [] }, idmap, { mayBeMissing: true });
    return { slot, destination: mount.destination, directory };
  });
  const done = [...kept.slice(1, -1), ...mounts.map(({ slot }) => slot)];
  return { mounts, user: mappings !== undefined, done };
}

/** Adds the making of a user namespace that nobody is in. */
function makeUserNamespace(b: ProgramBuilder, mappings: readonly IdMapping[], user: Slot): void {
  const channel = b.slot("channel");
  const pid = b.clone(
    "make a process for the user namespace",
    { flags: flags(CLONE, "NEWUSER"), channel },
    () => {
      b.composite("wait until it is open", "await", [channel, int(1, "SYNC")]);
      b.composite("leave", "exit", [0]);
    },
  );
  writeProc(b, "map its user ids", text("/proc/", pid, "/uid_map"), mapText(mappings));
  writeProc(b, "map its group ids", text("/proc/", pid, "/gid_map"), mapText(mappings));
  const path = text("/proc/", pid, "/ns/user");
  open(b, "open its user namespace", CWD, path, flags(O, "RDONLY", "CLOEXEC"), user);
  b.composite("let the process go", "sync", [channel, 0]);
  b.call("reap it", "wait4", [pid, 0, 0, 0]);
  close(b, channel);
}

const oneOf = { how: flags(O, "PATH", "CLOEXEC"), resolve: flags(RESOLVE, "IN_ROOT", "NO_MAGICLINKS") };
const gone = ["ENOENT", "ENOTDIR", "ELOOP"] as const;

function running(
  b: ProgramBuilder,
  { pid, user: own, destinations }: Extract<View, { kind: "running" }>,
  root: Slot,
  user: Slot,
): Entering {
  const target = b.slot("the container's process");
  const home = b.slot("mount namespace of its own");
  const live = b.slot("the container's root");
  const point = b.slot("mount point");
  const path = "/proc/self/ns/mnt";
  b.call("find the container's process", "pidfd_open", [pid, 0], { into: target });
  leaveHost(b);
  open(b, "remember it", CWD, path, flags(O, "RDONLY", "CLOEXEC"), home);
  if (own)
    open(b, "open its user namespace", CWD, `/proc/${pid}/ns/user`, flags(O, "RDONLY", "CLOEXEC"), user);
  b.call("enter its mount namespace", "setns", [target, flags(CLONE, "NEWNS")]);
  open(b, "open its root", CWD, "/", flags(O, "PATH", "DIRECTORY", "CLOEXEC"), live);
  cloneTree(b, "take its root", live, "", root);
  const mounts = destinations.map((destination): Attachable => {
    const slot = b.slot(`mount ${destination}`);
    // The container may have changed everything meanwhile: what it has there now is what is shown.
    const inside = components(destination).join("/");
    openResolved(b, `look for ${destination}`, live, inside, oneOf.how, oneOf.resolve, point, {
      tolerate: gone,
    });
    cloneTree(b, `take ${destination}`, point, "", slot, {
      recursive: true,
      optional: true,
      tolerate: ["EINVAL"],
    });
    return { slot, destination, directory: "as it is" };
  });
  b.call("go back", "setns", [home, flags(CLONE, "NEWNS")]);
  for (const slot of [root, ...mounts.map((mount) => mount.slot)])
    setMountAttributes(
      b,
      `cut ${slot.name} off from the container's mount events`,
      slot,
      { propagation: flags(MS, "PRIVATE"), recursive: true },
      { optional: true },
    );
  return { mounts, user: own, done: [target, home, live, point, ...mounts.map(({ slot }) => slot)] };
}

/** Adds attaching a mount. Its place is made in the root of a container that doesn't run, as a start would. */
function attach(
  b: ProgramBuilder,
  root: Slot,
  { slot, destination, directory }: Attachable,
  scratch: Scratch,
): void {
  if (directory === "as it is")
    openInRoot(b, `open ${destination}`, root, components(destination).join("/"), scratch.target, {
      tolerate: gone,
    });
  else if (directory) openDirectoryTarget(b, root, destination, scratch.target, scratch.directory);
  else openFileTarget(b, root, destination, scratch.target, scratch.directory);
  // Below a directory a file can't be seen, nor the other way round.
  attachMount(b, `mount ${destination}`, slot, scratch.target, {
    optional: true,
    tolerate: ["ENOTDIR", "EINVAL"],
  });
}
