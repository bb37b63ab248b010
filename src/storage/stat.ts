/**
 * What statx(2) says about a file.
 * @module
 */
import type { Timestamp } from "../image/mod.ts";
import {
  AT,
  flags,
  int,
  S,
  type Bytes,
  type Int,
  type Out,
  type ProgramBuilder,
  type Result,
  type Slot,
} from "../kernel/mod.ts";

/** A file's inode. */
export interface Stat {
  /** Type and permissions (inode(7)). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** Bytes as it reads. */
  readonly size: number;
  /** Bytes on disk. */
  readonly stored: number;
  /** File system and inode number: the same for all names of a file. */
  readonly identity: string;
  readonly mtime: Timestamp;
  /** Numbers of the device that a device node is. */
  readonly major: number;
  readonly minor: number;
}

/** Size of struct statx. */
const size = 256;
/** STATX_BASIC_STATS */
const wanted = int(0x7ff, "STATX_BASIC_STATS");
/** What of a mode is the type. */
export const typeMask = 0o170000;

/** A call whose answer is yet to come. */
export interface StatCall {
  readonly result: Result;
  readonly out: Out;
}

/** Adds statx(2) of `name` in `at`, of a link itself; `""` is what `at` refers to. No errno stops the program. */
export function addStat(b: ProgramBuilder, label: string, at: Slot | Int, name: string | Bytes): StatCall {
  const out = b.out(size);
  const how = name === "" ? flags(AT, "EMPTY_PATH") : flags(AT, "SYMLINK_NOFOLLOW");
  const result = b.call(label, "statx", [at, name, how, wanted, out], { tolerate: "any", optional: true });
  return { result, out };
}

/** Reads what the kernel wrote. */
export function parseStat(content: Uint8Array): Stat {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const number = (at: number): number => view.getUint32(at, true);
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  return {
    mode: view.getUint16(0x1c, true),
    uid: number(0x14),
    gid: number(0x18),
    links: number(0x10),
    size: long(0x28),
    stored: long(0x30) * 512,
    identity: `${number(0x88)}:${number(0x8c)}:${view.getBigUint64(0x20, true)}`,
    mtime: { sec: Number(view.getBigInt64(0x70, true)), nsec: number(0x78) },
    major: number(0x80),
    minor: number(0x84),
  };
}

export function isDirectory({ mode }: Stat): boolean {
  return (mode & typeMask) === S.values.IFDIR;
}

export function isRegular({ mode }: Stat): boolean {
  return (mode & typeMask) === S.values.IFREG;
}

export function isLink({ mode }: Stat): boolean {
  return (mode & typeMask) === 0o120000;
}
