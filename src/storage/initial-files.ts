/**
 * What a container's root has though neither its image nor anybody in it made it: Docker's mark, and places for what is
 * mounted in every container. Docker keeps these in a layer of their own between both, so they are no changes.
 * Source: moby's daemon/initlayer.
 * @module
 */
import { isDirectory, isRegular, type Stat } from "./stat.ts";

/** Directories, those above others first. */
export const initialDirectories: readonly string[] = ["dev", "dev/pts", "dev/shm", "etc", "proc", "sys"];
/** Empty files; by `.dockerenv` programs find out that they are in a container. */
export const initialFiles: readonly string[] = [
  ".dockerenv",
  "dev/console",
  "etc/hostname",
  "etc/hosts",
  "etc/resolv.conf",
];

/** Links, with what they say. */
export const initialLinks: ReadonlyMap<string, string> = new Map([["etc/mtab", "/proc/mounts"]]);

const directories = new Set([...initialDirectories, "dev/mqueue"]);
const files = new Set(initialFiles);

/** Whether what was found at the path is there in every container, and is as it was made. */
export function isInitial(path: readonly string[], stat: Stat): boolean {
  const name = path.join("/");
  if (isDirectory(stat)) return directories.has(name) && (stat.mode & 0o7777) === 0o755;
  return isRegular(stat) && stat.size === 0 && files.has(name);
}
