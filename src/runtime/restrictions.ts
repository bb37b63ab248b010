/**
 * Read-only and masked paths (config-linux.md), made once everything else is mounted.
 * @module
 */
import {
  attachMount,
  cloneTree,
  flags,
  int,
  makeMount,
  MOUNT_ATTR,
  O,
  openInRoot,
  setMountAttributes,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import type { CompileContext } from "./context.ts";
import type { HostIds } from "./devices.ts";
import type { Scratch } from "./mounts.ts";
import { components } from "./paths.ts";
import { keepUntilExit } from "./slots.ts";

/**
 * Adds, in the parent: a directory with nothing in it, for whatever is masked. The shim keeps it, because letting go of a
 * detached mount waits for an RCU grace period.
 */
export function makeNothing(
  b: ProgramBuilder,
  context: CompileContext,
  ids: HostIds,
  scratch: Slot,
  into: Slot,
): void {
  if ((context.spec.linux.maskedPaths ?? []).length === 0 || isStaged(context)) return;
  const owner = [
    ["uid", String(ids.uid(0))],
    ["gid", String(ids.gid(0))],
  ] as const;
  makeEmpty(b, owner, scratch, into);
  keepUntilExit(b, "keep it until the process has exited", [into]);
}

/** Before Linux 6.15 a detached mount can't be cloned either. */
function isStaged({ root }: CompileContext): boolean {
  return root.kind === "overlay" && root.staged === true;
}

function makeEmpty(
  b: ProgramBuilder,
  owner: readonly (readonly [key: string, value: string])[],
  scratch: Slot,
  into: Slot,
): void {
  const attributes = flags(MOUNT_ATTR, "RDONLY", "NOSUID", "NODEV", "NOEXEC");
  const system = { type: "tmpfs", options: [["mode", "755"] as const, ...owner], attributes };
  makeMount(b, "make an empty directory", system, scratch, into);
}

/** Adds the read-only and the masked paths below `root`; `empty` is what {@link makeNothing} made. */
export function restrictPaths(
  b: ProgramBuilder,
  context: CompileContext,
  root: Slot,
  empty: Slot,
  scratch: Scratch,
): void {
  const { readonlyPaths = [], maskedPaths = [] } = context.spec.linux;
  for (const path of readonlyPaths) makeReadOnly(b, path, root, scratch);
  if (maskedPaths.length === 0) return;
  const nothing = { file: openNull(b, root), directory: isStaged(context) ? undefined : empty };
  for (const path of maskedPaths) mask(b, path, root, nothing, scratch);
}

/** Adds the search for `path` and what is done if there is one. */
function ifThere(b: ProgramBuilder, path: string, root: Slot, target: Slot, body: () => void): void {
  const inside = components(path).join("/");
  const found = openInRoot(b, `find ${path}`, root, inside, target, { tolerate: ["ENOENT", "ENOTDIR"] });
  b.skipIf("if there is one", found, "<0", 0, body);
}

function makeReadOnly(b: ProgramBuilder, path: string, root: Slot, { mount, target }: Scratch): void {
  ifThere(b, path, root, target, () => {
    cloneTree(b, `take ${path}`, target, "", mount, { recursive: true });
    setMountAttributes(b, "make it read-only", mount, {
      set: flags(MOUNT_ATTR, "RDONLY", "NOSUID", "NODEV", "NOEXEC"),
      recursive: true,
    });
    attachMount(b, `mount ${path} read-only`, mount, target);
  });
}

/**
 * Opens the container's /dev/null and makes sure that it is one: a masked path would show whatever an image put in its
 * place (CVE-2025-31133).
 */
function openNull(b: ProgramBuilder, root: Slot): Slot {
  const nothing = b.slot("/dev/null");
  const stat = b.out(256);
  openInRoot(b, "open /dev/null", root, "dev/null", nothing);
  b.call("ask what it is", "statx", [
    nothing,
    "",
    int(0x1000, "AT_EMPTY_PATH"),
    int(0x7ff, "STATX_BASIC_STATS"),
    stat,
  ]);
  const check = (
    label: string,
    offset: number,
    size: number,
    mask: number,
    value: number,
    shown: string,
  ): void => {
    const field = { kind: "out" as const, offset: stat.offset + offset, size };
    b.composite(label, "compare", [
      field,
      int(mask, `0x${mask.toString(16)}`),
      int(value, shown),
      int(22, "EINVAL"),
    ]);
  };
  // Offsets in struct statx (statx(2)): stx_mode 28, stx_rdev_major 128, stx_rdev_minor 132.
  check("it must be a character device", 28, 2, 0xf000, 0x2000, "S_IFCHR");
  check("its major number must be 1", 128, 4, 0xffffffff, 1, "1");
  check("its minor number must be 3", 132, 4, 0xffffffff, 3, "3");
  return nothing;
}

/** What covers masked paths: a file and a directory with nothing in them. */
interface Nothing {
  readonly file: Slot;
  /** Undefined: each gets one of its own, where the kernel can't clone what isn't mounted. */
  readonly directory: Slot | undefined;
}

function mask(b: ProgramBuilder, path: string, root: Slot, nothing: Nothing, scratch: Scratch): void {
  const { mount, target } = scratch;
  const inside = components(path).join("/");
  const how = flags(O, "PATH", "DIRECTORY", "CLOEXEC");
  const tolerate = ["ENOENT", "ENOTDIR"] as const;
  const directory = openInRoot(b, `find the directory ${path}`, root, inside, target, { how, tolerate });
  b.skipIf("if there is one", directory, "<0", 0, () => {
    if (nothing.directory === undefined) makeEmpty(b, [], scratch.context, mount);
    else cloneTree(b, "take the empty directory", nothing.directory, "", mount);
    attachMount(b, `hide ${path}`, mount, target);
  });
  b.skipIf("if it isn't one", directory, ">=0", 0, () => {
    ifThere(b, path, root, target, () => {
      cloneTree(b, "take /dev/null", nothing.file, "", mount);
      attachMount(b, `hide ${path}`, mount, target);
    });
  });
}
