/**
 * What copying means, decided before anything is copied: into which directory an archive goes, and what its first name
 * becomes. Texts and decisions are those of docker's command line (moby's go-archive, copy.go).
 * @module
 */
import { baseName, keepEnding, meansContent, type EntryInput } from "../../image/tar/mod.ts";
import { path } from "../builtins.ts";
import { commandFailed } from "../failure-text.ts";

/** Where something is copied from. */
export interface CopySource {
  readonly path: string;
  readonly directory: boolean;
  /** What it is called in place of its own name: a link that was followed keeps its name. */
  readonly name?: string;
}

/** Where something is copied to. */
export interface CopyTarget {
  readonly path: string;
  readonly exists: boolean;
  readonly directory: boolean;
}

/** How it is done. */
export interface CopyPlan {
  /** The directory that the archive is extracted in. */
  readonly directory: string;
  /** The first time that the one text is in a name, it becomes the other. */
  readonly rename?: readonly [from: string, to: string];
}

/** The directory that a path is in, and its name there; `.` for what is in a directory. */
export function splitEntry(text: string): { readonly directory: string; readonly base: string } {
  const clean = path()
    .posix.normalize(text)
    .replace(/(.)\/+$/, "$1");
  const whole = meansContent(text) ? `${clean}/.` : clean;
  return {
    directory: whole.endsWith("/.") ? whole.slice(0, -2) || "/" : path().posix.dirname(whole),
    base: baseName(whole),
  };
}

/** An absolute path on this host that means what `text` means. */
export function localPath(text: string): string {
  return keepEnding(path().resolve(text), text);
}

/** Decides. Throws docker's errors for what can't be. */
export function planCopy(source: CopySource, target: CopyTarget): CopyPlan {
  if (target.exists && target.directory) return { directory: target.path };
  if (target.exists && source.directory) throw commandFailed("cannot copy directory");
  if (!target.exists && !source.directory && assertsDirectory(target.path))
    throw commandFailed("no such directory");
  const { directory, base } = splitEntry(target.path);
  const from = source.name ?? splitEntry(source.path).base;
  return { directory, rename: [from === "/" ? "" : from, base] };
}

/** A path that was resolved by its links still means what the original meant, and is called what that was called. */
export function resolvedSource(
  original: string,
  resolved: string,
): { readonly path: string; readonly name?: string } {
  const kept = keepEnding(resolved, original);
  return baseName(original) === baseName(kept) ? { path: kept } : { path: kept, name: baseName(original) };
}

/** The entries with their names changed. */
export async function* renamed<E extends EntryInput>(
  entries: AsyncIterable<E>,
  rename: CopyPlan["rename"],
): AsyncGenerator<E, void, void> {
  for await (const entry of entries) yield rename === undefined ? entry : renamedEntry(entry, rename);
}

function renamedEntry<E extends EntryInput>(entry: E, [from, to]: readonly [string, string]): E {
  const change = (name: string): string => name.replace(from, () => to);
  const linkPath = entry.type === "hardlink" ? change(entry.linkPath ?? "") : entry.linkPath;
  return { ...entry, path: change(entry.path), ...(linkPath === undefined ? {} : { linkPath }) };
}

function assertsDirectory(text: string): boolean {
  return text.endsWith("/") || meansContent(text);
}
