/**
 * The folders of volumes of the local driver, below the data root: `volumes/NAME/_data`.
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Names that a volume can have. */
export const volumeNameForm: RegExp = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** No volume has such a name. */
const removedPrefix = ".removed-";
/** Nobody but the owner lists them; containers' ids pass through. */
const folderMode = 0o701;
const dataMode = 0o755;

/** The folders of one engine's volumes. */
export class LocalVolumes {
  readonly #root: string;

  constructor(dataRoot: string) {
    this.#root = join(dataRoot, "volumes");
    mkdirSync(this.#root, { recursive: true, mode: folderMode });
  }

  /** Where the data of the volume lies. */
  path(name: string): string {
    return join(this.#root, name, "_data");
  }

  /** Makes the folder of a volume where it is missing; whether it is empty. */
  async prepare(name: string, isNew: boolean): Promise<boolean> {
    const path = this.path(name);
    await mkdir(path, { recursive: true, mode: dataMode });
    // The process's umask may have taken bits away.
    if (isNew) await Promise.all([chmod(join(path, ".."), folderMode), chmod(path, dataMode)]);
    return (await readdir(path)).length === 0;
  }

  /** Makes it again if somebody has removed it since it was prepared; whether somebody had. */
  ensure(name: string): boolean {
    const path = this.path(name);
    if (existsSync(path)) return false;
    mkdirSync(join(path, ".."), { recursive: true, mode: folderMode });
    mkdirSync(path, { mode: dataMode });
    return true;
  }

  /** Takes the folder away at once; what is returned deletes it. */
  take(name: string): () => Promise<void> {
    const removed = join(this.#root, `${removedPrefix}${randomBytes(8).toString("hex")}`);
    const folder = join(this.#root, name);
    if (existsSync(folder)) renameSync(folder, removed);
    return () => rm(removed, { recursive: true, force: true });
  }

  /**
   * Cleans up after an engine that was killed: folders that were made for containers that never came to be, and what
   * was about to be deleted.
   * @returns names of folders with data that `isKnown` doesn't know
   */
  async sweep(isKnown: (name: string) => boolean): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      const { name } = entry;
      const folder = join(this.#root, name);
      if (name.startsWith(removedPrefix)) await rm(folder, { recursive: true, force: true });
      if (!entry.isDirectory() || !volumeNameForm.test(name) || isKnown(name)) continue;
      if (!existsSync(this.path(name))) continue;
      if ((await readdir(this.path(name))).length === 0) await rm(folder, { recursive: true, force: true });
      else found.push(name);
    }
    return found;
  }
}
