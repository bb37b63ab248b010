/**
 * The files of one log: `x` is written now, `x.1` before it, `x.2` before that. The shim renames them at any moment.
 * @module
 */
import type { BigIntStats } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A file of a log, open. */
export interface LogFile extends AsyncDisposable {
  readonly handle: FileHandle;
  /** Stays the same when the file is renamed. */
  readonly inode: bigint;
  /** Bytes when it was opened. */
  readonly size: number;
  /** Nanoseconds since the epoch. */
  readonly modified: bigint;
}

/** Rotations may come one after the other; then we look again this often. */
const attempts = 20;
/** The shim's `log files` is at most this; it leaves no gap in the numbers but while it renames. */
const mostFiles = 10_000;

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function openFile(path: string): Promise<LogFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { ino, size, mtimeNs } = await handle.stat({ bigint: true });
    return {
      handle,
      inode: ino,
      size: Number(size),
      modified: mtimeNs,
      [Symbol.asyncDispose]: async () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Inode of the file that is written now; undefined if there is none at this moment. */
export async function currentInode(path: string): Promise<bigint | undefined> {
  try {
    const { ino }: BigIntStats = await stat(path, { bigint: true });
    return ino;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Closes all of them. */
export async function closeFiles(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map(async ({ handle }) => handle.close()));
}

/**
 * Opens a log's files, oldest first, the last one being `path` itself; empty if there is no log. `known`: the inode of
 * a file that was read already: older ones than it and itself are left out.
 */
export async function openLogFiles(path: string, known?: bigint): Promise<LogFile[]> {
  for (let attempt = 1; ; attempt += 1) {
    const files = await openOnce(path, known);
    // Nothing was renamed in between if the newest is the newest still.
    const newest = await currentInode(path);
    const settled = files.at(-1)?.inode === newest || (newest === known && files.length === 0);
    if (settled || attempt === attempts) return files;
    await closeFiles(files);
    await sleep(1);
  }
}

async function openOnce(path: string, known: bigint | undefined): Promise<LogFile[]> {
  const files: LogFile[] = [];
  const seen = new Set<bigint>();
  try {
    let gaps = 0;
    for (let number = 0; number < mostFiles && gaps < 2; number++) {
      const file = await openFile(number === 0 ? path : `${path}.${number}`);
      if (file === undefined) {
        // While the shim renames, one number is missing.
        gaps++;
        continue;
      }
      if (file.inode === known) {
        await file.handle.close();
        break;
      }
      if (seen.has(file.inode)) {
        await file.handle.close();
        continue;
      }
      seen.add(file.inode);
      files.unshift(file);
    }
  } catch (error) {
    await closeFiles(files);
    throw error;
  }
  return files;
}
