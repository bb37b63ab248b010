/**
 * The kernel's constants by name, so that a program shows `MS_REC|MS_PRIVATE` and not 0x44000.
 * @module
 */
import { int, type Int } from "./program.ts";

type Table = Readonly<Record<string, number>>;
interface Family<T extends Table> {
  readonly prefix: string;
  readonly values: T;
}

const arm = process.arch === "arm64";

/** Flags of open(2) and openat2(2); four differ between architectures. */
export const O: Family<{
  RDONLY: 0;
  WRONLY: 1;
  RDWR: 2;
  CREAT: number;
  EXCL: number;
  NOCTTY: number;
  TRUNC: number;
  APPEND: number;
  NONBLOCK: number;
  DIRECTORY: number;
  NOFOLLOW: number;
  CLOEXEC: number;
  PATH: number;
}> = {
  prefix: "O_",
  values: {
    RDONLY: 0,
    WRONLY: 1,
    RDWR: 2,
    CREAT: 0o100,
    EXCL: 0o200,
    NOCTTY: 0o400,
    TRUNC: 0o1000,
    APPEND: 0o2000,
    NONBLOCK: 0o4000,
    DIRECTORY: arm ? 0o40000 : 0o200000,
    NOFOLLOW: arm ? 0o100000 : 0o400000,
    CLOEXEC: 0o2000000,
    PATH: 0o10000000,
  },
};

/** RESOLVE_* of openat2(2). */
export const RESOLVE: Family<{ NO_XDEV: 1; NO_MAGICLINKS: 2; NO_SYMLINKS: 4; BENEATH: 8; IN_ROOT: 16 }> = {
  prefix: "RESOLVE_",
  values: { NO_XDEV: 1, NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 16 },
};

/** AT_* of the *at(2) calls. */
export const AT: Family<{
  FDCWD: -100;
  SYMLINK_NOFOLLOW: 0x100;
  REMOVEDIR: 0x200;
  EMPTY_PATH: 0x1000;
  RECURSIVE: 0x8000;
}> = {
  prefix: "AT_",
  values: { FDCWD: -100, SYMLINK_NOFOLLOW: 0x100, REMOVEDIR: 0x200, EMPTY_PATH: 0x1000, RECURSIVE: 0x8000 },
};

/** Flags of mount(2). */
export const MS: Family<{
  RDONLY: 1;
  NOSUID: 2;
  NODEV: 4;
  NOEXEC: 8;
  REMOUNT: 32;
  BIND: 4096;
  REC: 16384;
  UNBINDABLE: number;
  PRIVATE: number;
  SLAVE: number;
  SHARED: number;
}> = {
  prefix: "MS_",
  values: {
    RDONLY: 1,
    NOSUID: 2,
    NODEV: 4,
    NOEXEC: 8,
    REMOUNT: 32,
    BIND: 4096,
    REC: 16384,
    UNBINDABLE: 1 << 17,
    PRIVATE: 1 << 18,
    SLAVE: 1 << 19,
    SHARED: 1 << 20,
  },
};

/** MOUNT_ATTR_* of mount_setattr(2) and fsmount(2). */
export const MOUNT_ATTR: Family<{
  RDONLY: 1;
  NOSUID: 2;
  NODEV: 4;
  NOEXEC: 8;
  _ATIME: 0x70;
  RELATIME: 0;
  NOATIME: 0x10;
  STRICTATIME: 0x20;
  NODIRATIME: 0x80;
  IDMAP: 0x100000;
  NOSYMFOLLOW: 0x200000;
}> = {
  prefix: "MOUNT_ATTR_",
  values: {
    RDONLY: 1,
    NOSUID: 2,
    NODEV: 4,
    NOEXEC: 8,
    _ATIME: 0x70,
    RELATIME: 0,
    NOATIME: 0x10,
    STRICTATIME: 0x20,
    NODIRATIME: 0x80,
    IDMAP: 0x100000,
    NOSYMFOLLOW: 0x200000,
  },
};

/** CLONE_* of clone3(2), unshare(2), setns(2). */
export const CLONE: Family<{
  VM: 0x100;
  VFORK: 0x4000;
  PARENT: 0x8000;
  NEWTIME: 0x80;
  NEWNS: 0x20000;
  NEWCGROUP: 0x2000000;
  NEWUTS: 0x4000000;
  NEWIPC: 0x8000000;
  NEWUSER: 0x10000000;
  NEWPID: 0x20000000;
  NEWNET: 0x40000000;
}> = {
  prefix: "CLONE_",
  values: {
    VM: 0x100,
    VFORK: 0x4000,
    PARENT: 0x8000,
    NEWTIME: 0x80,
    NEWNS: 0x20000,
    NEWCGROUP: 0x2000000,
    NEWUTS: 0x4000000,
    NEWIPC: 0x8000000,
    NEWUSER: 0x10000000,
    NEWPID: 0x20000000,
    NEWNET: 0x40000000,
  },
};

/** OPEN_TREE_* of open_tree(2); CLOEXEC is O_CLOEXEC. */
export const OPEN_TREE: Family<{ CLONE: 1; CLOEXEC: number }> = {
  prefix: "OPEN_TREE_",
  values: { CLONE: 1, CLOEXEC: 0o2000000 },
};

/** MOVE_MOUNT_* of move_mount(2). */
export const MOVE_MOUNT: Family<{ F_EMPTY_PATH: 4; T_EMPTY_PATH: 0x40 }> = {
  prefix: "MOVE_MOUNT_",
  values: { F_EMPTY_PATH: 4, T_EMPTY_PATH: 0x40 },
};

/** Commands of fsconfig(2). */
export const FSCONFIG: Family<{ SET_FLAG: 0; SET_STRING: 1; SET_FD: 5; CMD_CREATE: 6 }> = {
  prefix: "FSCONFIG_",
  values: { SET_FLAG: 0, SET_STRING: 1, SET_FD: 5, CMD_CREATE: 6 },
};

/** Types of files in a mode (inode(7)). */
export const S: Family<{
  IFREG: 0o100000;
  IFSOCK: 0o140000;
  IFCHR: 0o20000;
  IFBLK: 0o60000;
  IFIFO: 0o10000;
  IFDIR: 0o40000;
}> = {
  prefix: "S_",
  values: {
    IFREG: 0o100000,
    IFSOCK: 0o140000,
    IFCHR: 0o20000,
    IFBLK: 0o60000,
    IFIFO: 0o10000,
    IFDIR: 0o40000,
  },
};

/** Operations of prctl(2). */
export const PR: Family<{
  SET_PDEATHSIG: 1;
  SET_KEEPCAPS: 8;
  SET_NAME: 15;
  CAPBSET_DROP: 24;
  SET_NO_NEW_PRIVS: 38;
  CAP_AMBIENT: 47;
  CAP_AMBIENT_RAISE: 2;
  CAP_AMBIENT_CLEAR_ALL: 4;
}> = {
  prefix: "PR_",
  values: {
    SET_PDEATHSIG: 1,
    SET_KEEPCAPS: 8,
    SET_NAME: 15,
    CAPBSET_DROP: 24,
    SET_NO_NEW_PRIVS: 38,
    CAP_AMBIENT: 47,
    CAP_AMBIENT_RAISE: 2,
    CAP_AMBIENT_CLEAR_ALL: 4,
  },
};

/** f_type of statfs(2): what a descriptor must lie on before it is trusted. */
export const FS_MAGIC: Family<{ PROC: 0x9fa0; CGROUP: 0x27e0eb; CGROUP2: 0x63677270; SYSFS: 0x62656572 }> = {
  prefix: "FS_MAGIC_",
  values: { PROC: 0x9fa0, CGROUP: 0x27e0eb, CGROUP2: 0x63677270, SYSFS: 0x62656572 },
};

const known = new Map<string, Int>();

/** The named flags of a family or-ed together; without a name 0. */
export function flags<T extends Table>(family: Family<T>, ...names: (keyof T & string)[]): Int {
  const key = names.length === 1 ? family.prefix + (names[0] ?? "") : family.prefix + names.join("|");
  let result = known.get(key);
  if (result === undefined) known.set(key, (result = combine(family, names)));
  return result;
}

function combine<T extends Table>(family: Family<T>, names: readonly (keyof T & string)[]): Int {
  let value = 0;
  for (const name of names) value |= family.values[name] ?? 0;
  const text = names.map((name) => family.prefix + name).join("|");
  return int(value < 0 && family.prefix !== "AT_" ? value >>> 0 : value, text === "" ? "0" : text);
}
