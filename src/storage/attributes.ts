/**
 * Names, times, devices and attributes of an archive's entries as the kernel takes them.
 * @module
 */
import { encodeName, type Timestamp } from "../image/mod.ts";
import { bytes, int, type Bytes, type Errno, type Int } from "../kernel/mod.ts";

/** Attributes of a directory that are set when all that is in it is there. */
export interface DirectoryAttributes {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Undefined: whatever time it was made. */
  readonly mtime?: Timestamp;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

/** The name of a file as a call takes it: a string where that keeps every byte. */
export function nameArgument(name: string): string | Bytes {
  return name.isWellFormed() ? name : bytes(encodeName(name), JSON.stringify(name.toWellFormed()));
}

/** Seconds that the kernel takes in 64 bits of nanoseconds: Docker sets times beyond, and before 1970, to 0. */
const latest = 9_223_372_036;

/** The two times of utimensat(2), access and modification, both `time`. */
export function timesArgument(time: Timestamp): Bytes {
  const outside = time.sec < 0 || time.sec >= latest;
  const [sec, nsec] = outside ? [0, 0] : [time.sec, time.nsec];
  const buffer = Buffer.alloc(32);
  for (const at of [0, 16]) {
    buffer.writeUInt32LE(sec >>> 0, at);
    buffer.writeUInt32LE(Math.floor(sec / 0x1_0000_0000), at + 4);
    buffer.writeUInt32LE(nsec, at + 8);
  }
  return bytes(buffer, `[${sec}.${String(nsec).padStart(9, "0")} twice]`);
}

/** A device number as mknodat(2) takes it. */
export function deviceArgument(major: number, minor: number): Int {
  return int(((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, `makedev(${major}, ${minor})`);
}

/** Errnos of setting an extended attribute that Docker goes on after: the file system, or this user, can't. */
export const xattrTolerated: readonly Errno[] = ["EOPNOTSUPP", "EPERM"];
