/**
 * A file that takes space while there is some, so that a small one can be replaced when there is none.
 * @module
 */
import { link, open, rename, rm, stat, type FileHandle } from "node:fs/promises";

/** Bytes that it has at least. */
const least = 64 << 10;

/** The spare file at a path. */
export class SpareFile {
  readonly #path: string;
  /** Bytes that it is known to have. */
  #size = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes it where it is missing, or too small for twice `wanted` bytes. A disk without room for it is no error. */
  async provide(wanted: number): Promise<void> {
    const size = Math.max(least, wanted * 2);
    if (this.#size >= size) return;
    const found = await stat(this.#path).catch(() => undefined);
    this.#size = found?.size ?? 0;
    if (this.#size >= size) return;
    try {
      await using file = await open(this.#path, "w", 0o600);
      // Zeros would take no space on some file systems.
      const block = crypto.getRandomValues(Buffer.alloc(least));
      for (let at = 0; at < size; at += block.length) await file.write(block, 0, block.length, at);
      this.#size = size;
    } catch {
      this.#size = 0;
    }
  }

  /**
   * Has it become the file at `path` with `content`, whole or not at all; false if it isn't there or too small, or the
   * content is more than what is at `path`: it is for who removes.
   */
  async use(content: Uint8Array, path: string): Promise<boolean> {
    if (content.length > ((await stat(path).catch(() => undefined))?.size ?? 0)) return false;
    let file: FileHandle;
    try {
      file = await open(this.#path, "r+");
    } catch {
      return false;
    }
    try {
      if ((await file.stat()).size < content.length) return false;
      for (let at = 0; at < content.length;)
        at += (await file.write(content, at, content.length - at, at)).bytesWritten;
      await file.truncate(content.length);
      await file.chmod(0o644);
      await file.datasync();
    } finally {
      await file.close();
    }
    // What was at the path is the next spare, where a second name takes no room: else somebody may be quicker.
    const old = `${this.#path}.old`;
    await rm(old, { force: true });
    const isKept = await link(path, old).then(
      () => true,
      () => false,
    );
    await rename(this.#path, path);
    if (isKept) await rename(old, this.#path);
    this.#size = 0;
    if (!isKept) await this.provide(content.length);
    return true;
  }
}
