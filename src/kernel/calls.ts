/**
 * System calls with names for their arguments: each adds one operation to a program. Only calls that the engine makes
 * are here; each is the kernel's own, described in its man page.
 * @module
 */
import { AT, flags, FS_MAGIC, FSCONFIG, MOUNT_ATTR, MOVE_MOUNT, O, OPEN_TREE, RESOLVE } from "./flags.ts";
import {
  bytes,
  int,
  struct,
  type Argument,
  type Bytes,
  type CallOptions,
  type Int,
  type Patch,
  type ProgramBuilder,
  type Result,
  type Slot,
  type Text,
} from "./program.ts";

type Path = string | Text;

/** The working directory of whoever runs the program. */
export const CWD: Int = flags(AT, "FDCWD");

/** openat(2). `mode` is for O_CREAT. */
export function open(
  b: ProgramBuilder,
  label: string,
  at: Slot | Int,
  path: Path,
  how: Int,
  into: Slot,
  options: CallOptions & { mode?: number } = {},
): Result {
  const { mode, ...rest } = options;
  return b.call(label, "openat", mode === undefined ? [at, path, how] : [at, path, how, octal(mode)], {
    ...rest,
    into,
  });
}

/** openat2(2): the path is resolved by the rules of `resolve`. */
export function openResolved(
  b: ProgramBuilder,
  label: string,
  at: Slot,
  path: Path,
  how: Int,
  resolve: Int,
  into: Slot,
  options: CallOptions & { mode?: number } = {},
): Result {
  const { mode, ...rest } = options;
  const content = new Uint8Array(24);
  const view = new DataView(content.buffer);
  view.setBigUint64(0, BigInt(how.value), true);
  view.setBigUint64(8, BigInt(mode ?? 0), true);
  view.setBigUint64(16, BigInt(resolve.value), true);
  const shown = `{flags=${how.text}${mode === undefined ? "" : `, mode=0${mode.toString(8)}`}, resolve=${resolve.text}}`;
  return b.call(label, "openat2", [at, path, struct(content, shown), 24], { ...rest, into });
}

/** openat2(2) below a container's root file system: links are followed inside of it and never leave it. */
export function openInRoot(
  b: ProgramBuilder,
  label: string,
  root: Slot,
  path: string,
  into: Slot,
  options: CallOptions & { how?: Int; mode?: number } = {},
): Result {
  const { how, ...rest } = options;
  const resolve = flags(RESOLVE, "IN_ROOT", "NO_MAGICLINKS");
  return openResolved(b, label, root, path, how ?? flags(O, "PATH", "CLOEXEC"), resolve, into, rest);
}

/** mkdirat(2). */
export function mkdir(
  b: ProgramBuilder,
  label: string,
  at: Slot | Int,
  path: Path,
  mode: number,
  options: CallOptions = {},
): Result {
  return b.call(label, "mkdirat", [at, path, octal(mode)], options);
}

/** open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path`, of all below it if `recursive`. */
export function cloneTree(
  b: ProgramBuilder,
  label: string,
  at: Slot | Int,
  path: Path,
  into: Slot,
  options: CallOptions & { recursive?: boolean } = {},
): Result {
  const { recursive, ...rest } = options;
  const how = int(
    OPEN_TREE.values.CLONE |
      OPEN_TREE.values.CLOEXEC |
      AT.values.EMPTY_PATH |
      (recursive === true ? AT.values.RECURSIVE : 0),
    `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH${recursive === true ? "|AT_RECURSIVE" : ""}`,
  );
  return b.call(label, "open_tree", [at, path, how], { ...rest, into });
}

/** What mount_setattr(2) changes. */
export interface MountAttributes {
  readonly set?: Int;
  readonly clear?: Int;
  /** MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE. */
  readonly propagation?: Int;
  /** User namespace by which the mount's ids are mapped; sets MOUNT_ATTR_IDMAP. */
  readonly idmap?: Slot;
  readonly recursive?: boolean;
}

/** mount_setattr(2) on the mount that `mount` refers to. */
export function setMountAttributes(
  b: ProgramBuilder,
  label: string,
  mount: Slot,
  attributes: MountAttributes,
  options: CallOptions = {},
): Result {
  const { set, clear, propagation, idmap, recursive } = attributes;
  const content = new Uint8Array(32);
  const view = new DataView(content.buffer);
  const shown: string[] = [];
  const value = BigInt(set?.value ?? 0) | (idmap === undefined ? 0n : BigInt(MOUNT_ATTR.values.IDMAP));
  view.setBigUint64(0, value, true);
  if (value !== 0n) {
    const names = [set?.text, idmap === undefined ? undefined : "MOUNT_ATTR_IDMAP"];
    shown.push(`attr_set=${names.filter((name) => name !== undefined && name !== "0").join("|")}`);
  }
  if (clear !== undefined) {
    view.setBigUint64(8, BigInt(clear.value), true);
    shown.push(`attr_clr=${clear.text}`);
  }
  if (propagation !== undefined) {
    view.setBigUint64(16, BigInt(propagation.value), true);
    shown.push(`propagation=${propagation.text}`);
  }
  const patches: Patch[] = [];
  if (idmap !== undefined) {
    patches.push({ offset: 24, width: 8, value: idmap });
    shown.push(`userns_fd=${idmap.name}`);
  }
  const how = int(
    AT.values.EMPTY_PATH | (recursive === true ? AT.values.RECURSIVE : 0),
    `AT_EMPTY_PATH${recursive === true ? "|AT_RECURSIVE" : ""}`,
  );
  return b.call(
    label,
    "mount_setattr",
    [mount, "", how, struct(content, `{${shown.join(", ")}}`, patches), 32],
    options,
  );
}

/** move_mount(2): attaches the detached mount `mount` to the directory or file that `target` refers to. */
export function attachMount(
  b: ProgramBuilder,
  label: string,
  mount: Slot,
  target: Slot,
  options: CallOptions = {},
): Result {
  const how = flags(MOVE_MOUNT, "F_EMPTY_PATH", "T_EMPTY_PATH");
  return b.call(label, "move_mount", [mount, "", target, "", how], options);
}

/** A file system to be mounted: fsopen(2), fsconfig(2) for each option, fsmount(2). */
export interface FileSystem {
  readonly type: string;
  /** `[key, value]`; a key alone is a flag. */
  readonly options: readonly (readonly [string] | readonly [string, string | Text])[];
  /** MOUNT_ATTR_* of the mount. */
  readonly attributes: Int;
}

/** Makes a detached mount of a new file system. `context` is a slot for the time between. */
export function makeMount(
  b: ProgramBuilder,
  label: string,
  system: FileSystem,
  context: Slot,
  into: Slot,
  options: Pick<CallOptions, "tolerate"> = {},
): void {
  const { tolerate } = options;
  b.call(`${label}: open the file system`, "fsopen", [system.type, int(1, "FSOPEN_CLOEXEC")], {
    tolerate,
    into: context,
  });
  for (const [key, value] of system.options) {
    const args: Argument[] =
      value === undefined
        ? [context, flags(FSCONFIG, "SET_FLAG"), key, 0, 0]
        : [context, flags(FSCONFIG, "SET_STRING"), key, value, 0];
    b.call(`${label}: option ${key}`, "fsconfig", args, { optional: tolerate !== undefined });
  }
  b.call(`${label}: create`, "fsconfig", [context, flags(FSCONFIG, "CMD_CREATE"), 0, 0, 0], {
    optional: tolerate !== undefined,
    tolerate,
  });
  b.call(label, "fsmount", [context, int(1, "FSMOUNT_CLOEXEC"), system.attributes], {
    into,
    optional: tolerate !== undefined,
    tolerate,
  });
  close(b, context, tolerate !== undefined);
}

/** Closes what `slot` refers to. */
export function close(b: ProgramBuilder, slot: Slot, optional = false): void {
  b.composite(`close ${slot.name}`, "close", [slot], { optional });
}

/** Writes a file in one write(2); `magic` is what its file system must be. */
export function write(
  b: ProgramBuilder,
  label: string,
  at: Slot | Int,
  path: Path,
  content: string | Text | Bytes,
  options: CallOptions & { how?: Int; mode?: number; magic?: Int } = {},
): Result {
  const { how, mode, magic, ...rest } = options;
  const args: Argument[] = [
    at,
    path,
    content,
    how ?? flags(O, "WRONLY"),
    octal(mode ?? 0),
    magic ?? int(0, "any"),
  ];
  return b.composite(label, "write", args, rest);
}

/** Writes a file of procfs, after fstatfs(2) said that it is one. */
export function writeProc(
  b: ProgramBuilder,
  label: string,
  path: Path,
  content: string | Text,
  options: CallOptions = {},
): Result {
  return write(b, label, CWD, path, content, { ...options, magic: flags(FS_MAGIC, "PROC") });
}

/** The list of slots that PASS, TAKE and KEEP want. */
export function slotList(slots: readonly Slot[]): Bytes {
  const indices = new Uint16Array(slots.map(({ index }) => index));
  return bytes(new Uint8Array(indices.buffer), `[${slots.map(({ name }) => `<${name}>`).join(", ")}]`);
}

/** A mode shown in octal. */
export function octal(mode: number): Int {
  return int(mode, `0${mode.toString(8)}`);
}
