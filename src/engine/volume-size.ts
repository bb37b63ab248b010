/**
 * How much a folder holds.
 * @module
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of all files below, each counted once however many names it has; 0 if there is no such folder. */
export async function folderSize(folder: string): Promise<number> {
  const seen = new Set<number>();
  const folders = [folder];
  let size = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    let entries;
    try {
      entries = await readdir(next, { withFileTypes: true });
    } catch {
      // Whoever uses it removes things meanwhile.
      continue;
    }
    for (const entry of entries) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) {
        folders.push(path);
        continue;
      }
      const status = await lstat(path).catch(() => undefined);
      if (status === undefined || (status.nlink > 1 && seen.has(status.ino))) continue;
      if (status.nlink > 1) seen.add(status.ino);
      size += status.size;
    }
  }
  return size;
}
