/**
 * The root file system of a container: made detached by the parent, attached and pivoted to by the container's process
 * in its own mount namespace. The host's never sees it.
 * @module
 */
import { failure } from "../errors/mod.ts";
import {
  attachMount,
  cloneTree,
  CWD,
  flags,
  int,
  makeOverlay,
  MOUNT_ATTR,
  MS,
  O,
  open,
  setMountAttributes,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import type { OverlayRoot, RootFileSystem } from "./context.ts";
import { keepUntilExit } from "./slots.ts";

/**
 * Adds the making of the root as a detached mount in `into`; the shim keeps it until the process has exited, so that
 * nobody who waits for the exit waits for the file system's end too: that of an overlay writes back all that is dirty
 * where its upper directory lies. With a user namespace the layers' ids are mapped by it
 * (mount_setattr(2), MOUNT_ATTR_IDMAP), so that nothing is chowned: files lie as the range's ids in the upper
 * directory and as root's inside.
 */
export function makeRoot(
  b: ProgramBuilder,
  root: RootFileSystem,
  user: Slot | undefined,
  context: Slot,
  into: Slot,
): void {
  keepUntilExit(b, "keep the root until the process has exited", assembleRoot(b, root, user, context, into));
}

/** Adds the making of the root in `into`; what must stay open for as long as it is used, the lock last. */
export function assembleRoot(
  b: ProgramBuilder,
  root: RootFileSystem,
  user: Slot | undefined,
  context: Slot,
  into: Slot,
): readonly Slot[] {
  if (root.kind === "directory") {
    cloneTree(b, `take ${root.path} as the root`, CWD, root.path, into, { recursive: true });
    setMountAttributes(b, "detach it from the host's mount events", into, {
      propagation: flags(MS, "PRIVATE"),
      recursive: true,
    });
    if (user !== undefined) setMountAttributes(b, "map its ids", into, { idmap: user });
    return [into];
  }
  if (root.lower.length === 0) {
    throw failure("invalid-parameter", { message: "an overlay root needs at least one layer" });
  }
  const lock = b.slot("lock");
  open(
    b,
    "open the overlay's working directory",
    CWD,
    root.work,
    flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"),
    lock,
  );
  b.call("wait until an earlier run has let go of the root", "flock", [lock, int(2, "LOCK_EX")]);
  if (root.volatile === true) {
    // Its mark forbids to mount the same directories again, since after a crash nobody knows what is in them.
    b.composite("forget what an earlier run left", "remove", [lock, "work"]);
  }
  const layers = takeLayers(b, root, user);
  const overlay = {
    lower: layers,
    upper: { path: root.upper, work: root.work },
    options: [...plain, ...(root.volatile === true ? [["volatile"] as const] : [])],
    attributes: flags(MOUNT_ATTR, "RELATIME"),
  };
  makeOverlay(b, "make the root file system", overlay, root.staged === true, context, into);
  // The layers' descriptors too: letting go of a detached mount waits for an RCU grace period.
  const detached = layers.flatMap((layer) => (typeof layer === "string" ? [] : layer));
  return [into, ...detached.slice(0, mostKept), lock];
}

/**
 * A layer is what its upper directory says by itself, whatever this host's kernel does by default: without references to
 * directories by other names, and without files whose content is elsewhere.
 */
const plain = [
  ["redirect_dir", "off"],
  ["metacopy", "off"],
] as const;

/**
 * Adds making the root read-only in `into`, as it is now, while others may use it; no device in it works. Nothing has to
 * stay open: what is returned is of no use any more.
 */
export function assembleShared(
  b: ProgramBuilder,
  root: RootFileSystem,
  user: Slot | undefined,
  context: Slot,
  into: Slot,
): readonly Slot[] {
  if (root.kind === "directory") return assembleRoot(b, root, user, context, into);
  const layers = takeLayers(b, root, user);
  const overlay = {
    // What was written has the range's ids already.
    lower: [root.upper, ...layers],
    // With an index the kernel refuses layers that a container has mounted too.
    options: [["index", "off"]] as const,
    attributes: flags(MOUNT_ATTR, "RDONLY", "NOSUID", "NODEV", "NOEXEC"),
  };
  makeOverlay(b, "put the root file system together", overlay, root.staged === true, context, into);
  return layers.filter((layer) => typeof layer !== "string");
}

/** Adds taking the layers of an overlay, with mapped ids where there is a user namespace. */
function takeLayers(
  b: ProgramBuilder,
  root: OverlayRoot,
  user: Slot | undefined,
): readonly (string | Slot)[] {
  return root.lower.map((path, index) => {
    if (user === undefined) return path;
    const slot = b.slot(`layer ${index}`);
    cloneTree(b, `take layer ${path}`, CWD, path, slot);
    setMountAttributes(b, `map the ids of layer ${index}`, slot, {
      idmap: user,
      propagation: flags(MS, "PRIVATE"),
    });
    return slot;
  });
}

/** As many layers as a list of slots holds beside the root and the lock (PROTOCOL.md, PASS). */
const mostKept = 240;

const propagations: Readonly<Record<string, "PRIVATE" | "SLAVE" | "SHARED" | "UNBINDABLE">> = {
  private: "PRIVATE",
  slave: "SLAVE",
  shared: "SHARED",
  unbindable: "UNBINDABLE",
};

/** Adds, in the container's process: cut the mount namespace off from the host's and attach the root in it. */
export function attachRoot(b: ProgramBuilder, root: Slot, scratch: Slot): void {
  b.call("cut off the host's mount events", "mount", [0, "/", 0, flags(MS, "REC", "PRIVATE"), 0]);
  open(b, "open the place where the root goes", CWD, "/", flags(O, "PATH", "DIRECTORY", "CLOEXEC"), scratch);
  attachMount(b, "attach the root file system", root, scratch);
}

/** Adds pivot_root(2) to `root` and the loss of everything that was the host's. */
export function pivotRoot(b: ProgramBuilder, root: Slot, propagation: string | undefined): void {
  b.call("go to the new root", "fchdir", [root]);
  b.call("make it the root", "pivot_root", [".", "."]);
  b.call("let go of the host's mounts", "umount2", [".", int(2, "MNT_DETACH")]);
  b.call("stand at the root", "chdir", ["/"]);
  if (propagation === undefined) return;
  const name = propagations[propagation.replace(/^r/, "")];
  if (name === undefined) {
    throw failure("invalid-parameter", { message: `unknown rootfsPropagation ${propagation}` });
  }
  if (name === "PRIVATE") return;
  const how = propagation.startsWith("r") ? flags(MS, "REC", name) : flags(MS, name);
  b.call("set the propagation of the root", "mount", [0, "/", 0, how, 0]);
}
