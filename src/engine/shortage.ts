/**
 * What is full when something could not be written: the kernel's "no space left on device" names neither.
 * @module
 */
import { statfsSync } from "node:fs";

/** The numbers of statfs(2) that tell. */
export interface Room {
  readonly bsize: number;
  readonly blocks: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** Bytes, and inodes, below which a file system counts as full: less than any layer or container takes. */
const fewBytes = 1 << 20;
const fewInodes = 16;

/** `/var/lib/x has no inodes left (of 65536)`; undefined if none of the engine's folders is full. */
export function shortageOf(
  folders: readonly string[],
  look: (folder: string) => Room = statfsSync,
): string | undefined {
  for (const folder of folders) {
    let room: Room;
    try {
      room = look(folder);
    } catch {
      continue;
    }
    const { bsize, blocks, bavail, files, ffree } = room;
    // Some file systems have inodes without number.
    if (files > 0 && ffree < fewInodes) return `${folder} has no inodes left (of ${files})`;
    if (bavail * bsize < fewBytes) return `${folder} has no space left (of ${megabytes(blocks * bsize)} MB)`;
  }
  return undefined;
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
