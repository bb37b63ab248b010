/**
 * The files of one log: `x` is written now, `x.1` before it, `x.2` before that; older ones may be compressed, `x.2.gz`.
 * The shim renames them at any moment.
 * @module
 */
import { createReadStream } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createGunzip } from "node:zlib";

/** What tells a file from others, whatever it is called. */
export interface FileIdentity {
  readonly inode: bigint;
  /** Nanoseconds since the epoch; a compressed file has that of the one that it was made from. */
  readonly modified: bigint;
}

/** A file of a log, open. */
export interface LogFile extends FileIdentity, AsyncDisposable {
  readonly path: string;
  readonly handle: FileHandle;
  readonly compressed: boolean;
  /** Bytes when it was opened; of a compressed file Infinity, as nobody knows how many there are in it. */
  readonly size: number;
  /** It has the sticky bit: whoever must get it has it. */
  readonly marked: boolean;
  /** Reads at a position of the log's bytes, 0 at the end. Going on where the last call ended is cheap. */
  read(target: Buffer, at: number, length: number, position: number): Promise<number>;
}

/** Rotations may come one after the other; then we look again this often. */
const attempts = 20;
/** The shim's `log files` is at most this; it leaves no gap in the numbers but while it renames. */
const mostFiles = 10_000;
const STICKY = 0o1000n;

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** What a compressed file holds, read from its beginning on. */
class GunzipSource {
  readonly #handle: FileHandle;
  #chunks: AsyncIterator<Buffer> | undefined;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(target: Buffer, at: number, length: number, position: number): Promise<number> {
    if (this.#chunks === undefined || position < this.#position) await this.#begin();
    while (await this.#fill()) {
      const skipped = Math.min(this.#chunk.length, position - this.#position);
      this.#take(skipped);
      if (this.#chunk.length === 0) continue;
      const copied = this.#chunk.copy(target, at, 0, length);
      this.#take(copied);
      return copied;
    }
    return 0;
  }

  #take(count: number): void {
    this.#chunk = this.#chunk.subarray(count);
    this.#position += count;
  }

  async #begin(): Promise<void> {
    await this.end();
    // By way of the descriptor: the file may have another name by now.
    const path = `/proc/self/fd/${this.#handle.fd}`;
    const file = createReadStream(path);
    const gunzip = createGunzip();
    file.on("error", (error) => gunzip.destroy(error));
    this.#chunks = file.pipe(gunzip)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#chunk = Buffer.alloc(0);
    this.#position = 0;
  }

  async #fill(): Promise<boolean> {
    if (this.#chunk.length > 0) return true;
    const next = await this.#chunks?.next();
    if (next === undefined || next.done === true) return false;
    this.#chunk = next.value;
    return true;
  }

  async end(): Promise<void> {
    await this.#chunks?.return?.();
    this.#chunks = undefined;
  }
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
    const { ino, size, mtimeNs, mode } = await handle.stat({ bigint: true });
    const compressed = path.endsWith(".gz");
    const source = compressed ? new GunzipSource(handle) : undefined;
    return {
      path,
      handle,
      inode: ino,
      size: compressed ? Infinity : Number(size),
      modified: mtimeNs,
      compressed,
      marked: (mode & STICKY) !== 0n,
      read: async (target, at, length, position) =>
        source === undefined
          ? (await handle.read(target, at, length, position)).bytesRead
          : source.read(target, at, length, position),
      [Symbol.asyncDispose]: async () => {
        await source?.end();
        await handle.close();
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Inode of the file that is written now; undefined if there is none at this moment. */
export async function currentInode(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Closes all of them. */
export async function closeFiles(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map(async (file) => file[Symbol.asyncDispose]()));
}

/**
 * Opens a log's files, oldest first, the last one being `path` itself; empty if there is no log. `known`: a file that was
 * read already: older ones than it and itself are left out.
 */
export async function openLogFiles(path: string, known?: FileIdentity): Promise<LogFile[]> {
  for (let attempt = 1; ; attempt += 1) {
    const files = await openOnce(path, known);
    // Nothing was renamed in between if the newest is the newest still.
    const newest = await currentInode(path);
    const settled = files.at(-1)?.inode === newest || (newest === known?.inode && files.length === 0);
    if (settled || attempt === attempts) return files;
    await closeFiles(files);
    await sleep(1);
  }
}

function isKnown(file: LogFile, known: FileIdentity | undefined): boolean {
  if (known === undefined) return false;
  return file.compressed ? file.modified === known.modified : file.inode === known.inode;
}

async function openOnce(path: string, known: FileIdentity | undefined): Promise<LogFile[]> {
  const files: LogFile[] = [];
  const seen = new Set<bigint>();
  try {
    let gaps = 0;
    for (let number = 0; number < mostFiles && gaps < 2; number++) {
      const name = number === 0 ? path : `${path}.${number}`;
      const file = (await openFile(name)) ?? (number === 0 ? undefined : await openFile(`${name}.gz`));
      if (file === undefined) {
        // While the shim renames, one number is missing.
        gaps++;
        continue;
      }
      if (isKnown(file, known)) {
        await file[Symbol.asyncDispose]();
        break;
      }
      if (seen.has(file.inode)) {
        await file[Symbol.asyncDispose]();
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
