/**
 * What an archive says about one file.
 * @module
 */

/** Kinds of files that a tar archive can hold. */
export type EntryType = "file" | "directory" | "symlink" | "hardlink" | "char" | "block" | "fifo";

/** A point in time as the kernel takes it: `nsec` is 0 to 999,999,999 also before 1970. */
export interface Timestamp {
  readonly sec: number;
  readonly nsec: number;
}

/** A run of data in a sparse file, in bytes; what lies between runs is a hole. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
}

/** One file of an archive, without its content. */
export interface Entry {
  readonly type: EntryType;
  /** The name as the archive has it, neither cleaned nor trusted; every byte kept (see `decodeName`). */
  readonly path: string;
  /** Target of a symbolic link, or the name of the file that a hard link is to; else empty. */
  readonly linkPath: string;
  /** Permission bits with set-uid, set-gid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** Bytes of the file as it reads, holes included. */
  readonly size: number;
  readonly mtime: Timestamp;
  /** Device numbers of `char` and `block`. */
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Where the data lies, ascending and apart; the body is then the runs one after another. Undefined: no holes. */
  readonly sparse?: readonly Segment[];
}

/** Size of tar's blocks: headers are one, bodies are padded to whole ones. */
export const blockSize: number = 512;

/** Bounds of what is held in memory. */
export interface Limits {
  /** Bytes of one PAX header, and of all global ones together. */
  readonly pax: number;
  /** Bytes of one name or link target. PATH_MAX is 4,096; longer ones can be reached step by step. */
  readonly name: number;
  /** Runs of data in one sparse file. */
  readonly segments: number;
}

/** No header or list of an archive is ever held in memory beyond these sizes. */
export const limits: Limits = { pax: 1_048_576, name: 16_384, segments: 131_072 };

/** Bytes that `size` bytes of body are padded with. */
export function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}
