/**
 * The folders of volumes of the local driver, below the data root: `volumes/NAME/_data`. Somebody may have mounted a file
 * system there that never answers: the engine's own thread looks at none of those.
 * @module
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, realpathSync, renameSync } from "node:fs";
import { chmod, mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
import { isMountedOver, readMountinfo } from "./host-mounts.ts";
import type { HostPaths } from "./host-paths.ts";

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
  /** The same without links, as the table of mounts has it. */
  readonly #real: string;
  readonly #hostPaths: Pick<HostPaths, "isEmpty">;

  constructor(dataRoot: string, hostPaths: Pick<HostPaths, "isEmpty">) {
    this.#root = join(dataRoot, "volumes");
    this.#hostPaths = hostPaths;
    mkdirSync(this.#root, { recursive: true, mode: folderMode });
    this.#real = realpathSync(this.#root);
  }

  /** Where the data of the volume lies. */
  path(name: string): string {
    return join(this.#root, name, "_data");
  }

  /** Whether somebody has mounted something in the volume's folder. */
  isMountedOver(name: string, mountinfo?: string): boolean {
    return isMountedOver(join(this.#real, name), mountinfo);
  }

  /** Makes the folder of a volume where it is missing; whether it is empty. */
  async prepare(name: string, isNew: boolean): Promise<boolean> {
    const path = this.path(name);
    if (this.isMountedOver(name)) return await this.#hostPaths.isEmpty(path);
    await mkdir(path, { recursive: true, mode: dataMode });
    // The process's umask may have taken bits away.
    if (isNew) await Promise.all([chmod(join(path, ".."), folderMode), chmod(path, dataMode)]);
    return (await readdir(path)).length === 0;
  }

  /** Makes it again if somebody has removed it since it was prepared; whether somebody had. */
  ensure(name: string): boolean {
    const path = this.path(name);
    if (this.isMountedOver(name) || existsSync(path)) return false;
    mkdirSync(join(path, ".."), { recursive: true, mode: folderMode });
    mkdirSync(path, { mode: dataMode });
    return true;
  }

  /** Takes an empty folder away that was prepared for nothing. Whoever prepares the same meanwhile makes it again. */
  async discard(name: string): Promise<void> {
    if (this.isMountedOver(name)) return;
    try {
      await rmdir(this.path(name));
      await rmdir(join(this.#root, name));
    } catch {
      // Something is in it, or it was never made.
    }
  }

  /** Throws `internal` if something is mounted in the volume's folder: it would be deleted with it. */
  requireOwn(name: string): void {
    if (this.isMountedOver(name))
      throw failure("internal", { message: `unlinkat ${this.path(name)}: device or resource busy` });
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
    const mountinfo = readMountinfo();
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      const { name } = entry;
      const folder = join(this.#root, name);
      const isMounted = this.isMountedOver(name, mountinfo);
      if (name.startsWith(removedPrefix) && !isMounted) await rm(folder, { recursive: true, force: true });
      if (!entry.isDirectory() || !volumeNameForm.test(name) || isKnown(name)) continue;
      if (isMounted) {
        found.push(name);
        continue;
      }
      if (!existsSync(this.path(name))) {
        // Killed between the making, or the removal, of the two folders. What holds something else isn't ours.
        await rmdir(folder).catch(() => undefined);
        continue;
      }
      if ((await readdir(this.path(name))).length === 0) await rm(folder, { recursive: true, force: true });
      else found.push(name);
    }
    return found;
  }
}
