/**
 * Files of blobs that aren't whole yet: `<root>/ingest/<name>.<owner>.<random>`. The name is the digest's if it is
 * known; the owner is the writing process (`pid-start time`), or 0 once nobody writes. A writer takes over a file that
 * nobody owns by renaming it to its own name, which only one can do: so there are no locks, and none to be left behind.
 * @module
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { RunningDigest } from "./hash.ts";
import type { DigestAlgorithm } from "../digest.ts";

const nobody = "0";
/** The names of files of a known digest. */
const resumable = /^sha\d+-[0-9a-f]+\./;
const form = /^([a-z0-9-]+)\.(\d+-\d+|0)\.[a-f0-9]+$/;
const readSize = 256 * 1024;

/** A file being written, and the digest of what is in it. */
export interface IngestFile {
  readonly path: string;
  readonly file: FileHandle;
  readonly digest: RunningDigest;
}

/** The folder of unfinished files. */
export class IngestFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new file. */
  async create(name: string, algorithm: DigestAlgorithm): Promise<IngestFile> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = await this.#ownPath(name);
    return { path, file: await open(path, "wx+", 0o600), digest: new RunningDigest(algorithm) };
  }

  /** The longest file of that name that nobody writes and that has at most `size` bytes, now ours; else a new one. */
  async resume(name: string, algorithm: DigestAlgorithm, size: number): Promise<IngestFile> {
    for (const found of await this.#abandoned(name)) {
      const path = await this.#ownPath(name);
      if (!(await renamed(join(this.#folder, found), path))) continue;
      const resumed = await reopen(path, algorithm, size);
      if (resumed !== undefined) return resumed;
      await rm(path, { force: true });
    }
    return await this.create(name, algorithm);
  }

  /** Gives the file up, so that the next writer of the name finds it. */
  async release({ path }: IngestFile, name: string): Promise<void> {
    await rename(path, this.#path(name, nobody));
  }

  /**
   * Removes files that nobody writes and that weren't written for `age` milliseconds (0: all); of any age those that nobody can go on
   * with, as their digest isn't known. Returns their number.
   */
  async sweep(age: number): Promise<number> {
    const before = Date.now() - age;
    let removed = 0;
    for (const name of await this.#names()) {
      if (await isOwned(name)) continue;
      const path = join(this.#folder, name);
      const info = await stat(path).catch(() => undefined);
      if (info === undefined || (age > 0 && info.mtimeMs > before && resumable.test(name))) continue;
      await rm(path, { force: true });
      removed += 1;
    }
    return removed;
  }

  async #ownPath(name: string): Promise<string> {
    return this.#path(name, `${process.pid}-${(await startTime(process.pid)) ?? 0}`);
  }

  #path(name: string, owner: string): string {
    return join(this.#folder, `${name}.${owner}.${randomBytes(8).toString("hex")}`);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Files of the name that nobody writes, the longest first. */
  async #abandoned(name: string): Promise<string[]> {
    const sized: { readonly found: string; readonly size: number }[] = [];
    for (const found of await this.#names()) {
      if (form.exec(found)?.[1] !== name || (await isOwned(found))) continue;
      const info = await stat(join(this.#folder, found)).catch(() => undefined);
      if (info !== undefined) sized.push({ found, size: info.size });
    }
    return sized.toSorted((a, b) => b.size - a.size).map(({ found }) => found);
  }
}

/** Whether a live process writes the file. A process id alone says nothing: the engine of a container is always 1. */
async function isOwned(name: string): Promise<boolean> {
  const [pid, start] = (form.exec(name)?.[2] ?? nobody).split("-").map(Number);
  return pid !== undefined && pid > 0 && (await startTime(pid)) === start;
}

/** When the process was started, in clock ticks since boot (proc_pid_stat(5), field 22); undefined if there is none. */
async function startTime(pid: number): Promise<number | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/stat`, "latin1");
    return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return undefined;
  }
}

/** Reads the file again for its digest; undefined if it is longer than it may be. */
async function reopen(
  path: string,
  algorithm: DigestAlgorithm,
  size: number,
): Promise<IngestFile | undefined> {
  const file = await open(path, "r+");
  const digest = new RunningDigest(algorithm);
  const buffer = Buffer.allocUnsafe(readSize);
  while (digest.size <= size) {
    const { bytesRead } = await file.read(buffer, 0, readSize, digest.size);
    if (bytesRead === 0) return { path, file, digest };
    digest.update(buffer.subarray(0, bytesRead));
  }
  await file.close();
  return undefined;
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Whether the error says that a file isn't there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
