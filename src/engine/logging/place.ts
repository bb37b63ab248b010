/**
 * How far a log was sent: kept on disk beside it, so that an engine that was killed goes on from there.
 * @module
 */
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A place in a log. */
export interface Place {
  /** Which file: its inode and its time of birth, as inodes are used again. */
  readonly file: string;
  /** Bytes of it that were sent: whole records. */
  readonly offset: number;
}

/** What {@link Place.file} is of an open file. */
export async function fileKey(handle: FileHandle): Promise<string> {
  const { ino, birthtimeNs } = await handle.stat({ bigint: true });
  return `${ino}:${birthtimeNs}`;
}

/** Where the place in the log at `path` is kept. */
export function placePath(path: string): string {
  return join(dirname(path), "sent.json");
}

/** The place that was kept; undefined: none was. */
export async function readPlace(path: string): Promise<Place | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(placePath(path), "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { file, offset } = value as Record<string, unknown>;
    return typeof file === "string" && typeof offset === "number" ? { file, offset } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a place: whole or not at all. Nothing is kept of a log whose folder is gone. */
export async function writePlace(path: string, place: Place): Promise<void> {
  const target = placePath(path);
  if ((await stat(dirname(path)).catch(() => undefined)) === undefined) return;
  await writeFile(`${target}.new`, JSON.stringify(place), { mode: 0o600 });
  await rename(`${target}.new`, target);
}
