/**
 * An overlay as a detached mount, on kernels old and new.
 *
 * Since Linux 6.15 layers may be detached mounts themselves, named one by one by descriptor (fsconfig(2), `lowerdir+`).
 * An older kernel takes only layers that are mounted in the caller's namespace, and before 6.7 only all of them in one
 * string, for which fsconfig(2) is too short and mount(2) isn't. There the caller goes into a mount namespace of its own
 * for a moment, attaches the layers in it and takes the overlay back with it; nobody else ever sees them.
 * @module
 */
import { attachMount, cloneTree, close, CWD, makeMount, mkdir, open, setMountAttributes } from "./calls.ts";
import { CLONE, flags, MS, O } from "./flags.ts";
import { descriptorPath, int, text, type Int, type ProgramBuilder, type Slot } from "./program.ts";

/** What an overlay is made of. */
export interface Overlay {
  /** Topmost first: directories, or detached mounts. */
  readonly lower: readonly (string | Slot)[];
  /** Where changes go; without it the overlay is read-only. */
  readonly upper?: { readonly path: string; readonly work: string };
  /** Options of overlay beside those; a key alone is a flag. */
  readonly options: readonly (readonly [key: string] | readonly [key: string, value: string])[];
  /** MOUNT_ATTR_* of the mount. */
  readonly attributes: Int;
}

/**
 * Adds making the overlay in `into`; `context` is a slot for the time between.
 * @param staged whether the kernel takes only layers that are mounted
 */
export function makeOverlay(
  b: ProgramBuilder,
  label: string,
  overlay: Overlay,
  staged: boolean,
  context: Slot,
  into: Slot,
): void {
  if (staged) {
    makeStaged(b, label, overlay, context, into);
    return;
  }
  const { lower, upper, options, attributes } = overlay;
  const layers = lower.map(
    (layer) => ["lowerdir+", typeof layer === "string" ? layer : descriptorPath(layer)] as const,
  );
  const above =
    upper === undefined
      ? []
      : ([["upperdir", upper.path] as const, ["workdir", upper.work] as const] as const);
  const system = {
    type: "overlay",
    options: [["source", "overlay"] as const, ...layers, ...above, ...options],
    attributes,
  };
  makeMount(b, label, system, context, into);
}

function makeStaged(b: ProgramBuilder, label: string, overlay: Overlay, context: Slot, into: Slot): void {
  const home = b.slot("the mount namespace so far");
  const place = b.slot("place of the layers");
  const stage = b.slot("stage");
  const directory = flags(O, "PATH", "DIRECTORY", "CLOEXEC");
  const opened: Slot[] = [];
  const take = (path: string): Slot => {
    const slot = b.slot(path);
    open(b, `${label}: open ${path}`, CWD, path, directory, slot);
    opened.push(slot);
    return slot;
  };
  open(
    b,
    `${label}: remember the mount namespace`,
    CWD,
    "/proc/self/ns/mnt",
    flags(O, "RDONLY", "CLOEXEC"),
    home,
  );
  b.call(`${label}: go into one of its own`, "unshare", [flags(CLONE, "NEWNS")]);
  b.call(`${label}: cut off the host's mount events`, "mount", [0, "/", 0, flags(MS, "REC", "PRIVATE"), 0]);
  open(b, `${label}: open the place for the layers`, CWD, "/", directory, place);
  // Descriptors keep what is mounted over.
  const lower = overlay.lower.map((layer) => {
    if (typeof layer === "string") return take(layer);
    // A clone is its original's peer: what is mounted on it would be mounted on the host, too.
    setMountAttributes(b, `${label}: cut ${layer.name} off`, layer, { propagation: flags(MS, "PRIVATE") });
    attachMount(b, `${label}: attach ${layer.name}`, layer, place);
    return layer;
  });
  const upper = overlay.upper && { path: take(overlay.upper.path), work: take(overlay.upper.work) };
  const system = { type: "tmpfs", options: [], attributes: int(0, "0") };
  makeMount(b, `${label}: make a place for it`, system, context, stage);
  attachMount(b, `${label}: attach the place for it`, stage, place);
  mkdir(b, `${label}: make its mount point`, stage, "root", 0o700);
  b.call(`${label}: go there`, "fchdir", [stage]);
  const data = text(
    "lowerdir=",
    ...lower.flatMap((slot, index) => [index === 0 ? "" : ":", "/proc/self/fd/", slot]),
    ...(upper === undefined
      ? []
      : [",upperdir=/proc/self/fd/", upper.path, ",workdir=/proc/self/fd/", upper.work]),
    ...overlay.options.map((option) => `,${option.join("=")}`),
  );
  b.call(label, "mount", ["overlay", "root", "overlay", 0, data]);
  cloneTree(b, `${label}: take it`, CWD, "root", into);
  setMountAttributes(b, `${label}: set its attributes`, into, {
    set: overlay.attributes,
    propagation: flags(MS, "PRIVATE"),
  });
  b.call(`${label}: go back`, "setns", [home, flags(CLONE, "NEWNS")]);
  for (const slot of [home, place, stage, ...opened]) close(b, slot);
}
