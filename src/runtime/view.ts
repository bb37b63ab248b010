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
  ProgramBuilder,
  setMountAttributes,
  text,
  writeProc,
  type Program,
  type Slot,
} from "../kernel/mod.ts";
import type { RootFileSystem } from "./context.ts";
import { attachMounts, clearMask, makeScratch, planMounts, prepareMounts, type Scratch } from "./mounts.ts";
import { hostIds, mapText } from "./namespaces.ts";
import { components } from "./paths.ts";
import { becomeRoot } from "./process.ts";
import { assembleRoot, assembleShared, attachRoot, pivotRoot } from "./rootfs.ts";
import type { IdMapping, SpecMount } from "./spec.ts";

/** What is looked into. */
export type View =
  /** A container that doesn't run: its root is put together as for a start, which waits, unless it is shared. */
  | {
      readonly kind: "stopped";
      readonly root: RootFileSystem;
      /** Ids of its user namespace, if it has one of its own. */
      readonly mappings?: readonly IdMapping[];
      /** In the order in which they are mounted. */
      readonly mounts: readonly SpecMount[];
      /** Whether the source of a bind is a directory. */
      readonly isDirectory: (source: string) => boolean;
      /** Whether its root may not be written to, when its mounts have their places. */
      readonly readOnly: boolean;
      /**
       * The root is read-only from the beginning, so that places of mounts that it doesn't have are EROFS; others may use it
       * at the same time.
       */
      readonly shared?: boolean;
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

/** Compiles the entering of a view. Its errno is ESRCH if a running container has exited. */
export function compileView(view: View): Program {
  const b = new ProgramBuilder();
  const [top] = Array.from({ length: viewSlots }, (_, index) => b.slot(`slot ${index} of the session`));
  const scratch = makeScratch(b);
  const root = b.slot("root");
  const user = b.slot("user namespace");
  clearMask(b);
  const entering =
    view.kind === "stopped" ? stopped(b, view, root, user, scratch) : running(b, view, root, user);
  attachRoot(b, root, scratch.target);
  entering.attach(scratch);
  if (view.kind === "stopped" && view.readOnly && view.shared !== true)
    setMountAttributes(b, "make the root read-only", root, { set: flags(MOUNT_ATTR, "RDONLY") });
  pivotRoot(b, root, undefined);
  if (entering.user) {
    b.call("enter the container's user namespace", "setns", [user, flags(CLONE, "NEWUSER")]);
    becomeRoot(b);
  }
  if (top !== undefined) open(b, "open its root", CWD, "/", flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), top);
  for (const slot of [root, user, scratch.target, scratch.directory, ...entering.done]) close(b, slot, true);
  return b.build();
}

interface Entering {
  /** Adds attaching the mounts to the root. */
  readonly attach: (scratch: Scratch) => void;
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
  { root: system, mappings, mounts, isDirectory, shared = false }: Extract<View, { kind: "stopped" }>,
  root: Slot,
  user: Slot,
  scratch: Scratch,
): Entering {
  leaveHost(b);
  const idmap = mappings === undefined ? undefined : user;
  if (mappings !== undefined) makeUserNamespace(b, mappings, user);
  // The lock is the last of what it keeps, and the one thing that has to be kept: the mounts hold themselves.
  const assemble = shared ? assembleShared : assembleRoot;
  const kept = assemble(b, system, idmap, scratch.context, root);
  const linux = { namespaces: [], uidMappings: mappings, gidMappings: mappings };
  const ids = hostIds(linux);
  const maker = mappings === undefined ? {} : { maker: { uid: ids.uid(0), gid: ids.gid(0) } };
  const context = { root: system, isDirectory, spec: { mounts, linux }, ...maker };
  const planned = planMounts(b, context);
  prepareMounts(b, context, planned, ids, idmap, scratch);
  return {
    attach: () => attachMounts(b, context, root, planned, scratch),
    user: mappings !== undefined,
    done: [...(shared ? kept : kept.slice(1, -1)), ...planned.map(({ slot }) => slot)],
  };
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
  const mounts = destinations.map((destination) => {
    const slot = b.slot(`mount ${destination}`);
    // The container may have changed everything meanwhile: what it has there now is what is shown.
    openInRoot(b, `look for ${destination}`, live, inside(destination), point, { tolerate: gone });
    const options = { recursive: true, optional: true, tolerate: ["EINVAL"] } as const;
    cloneTree(b, `take ${destination}`, point, "", slot, options);
    return { slot, destination };
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
  return {
    attach: ({ target: place }) => {
      for (const { slot, destination } of mounts) {
        openInRoot(b, `open ${destination}`, root, inside(destination), place, { tolerate: gone });
        // It may have become a file over a directory, or the other way round.
        const options = { optional: true, tolerate: ["ENOTDIR", "EINVAL"] } as const;
        attachMount(b, `mount ${destination}`, slot, place, options);
      }
    },
    user: own,
    done: [target, home, live, point, ...mounts.map(({ slot }) => slot)],
  };
}

/** The path as openat2(2) takes it. */
function inside(destination: string): string {
  return components(destination).join("/");
}
