/**
 * What a container's root has though neither its image nor anybody in it made it: Docker's mark, and places for what is
 * mounted in every container. Docker keeps these in a layer of their own between both, so they are no changes.
 * Source: moby's daemon/initlayer.
 * @module
 */
import { isDirectory, isRegular, type Stat } from "./stat.ts";

const directories: ReadonlySet<string> = new Set([
  "dev",
  "dev/pts",
  "dev/shm",
  "dev/mqueue",
  "etc",
  "proc",
  "sys",
]);
const files: ReadonlySet<string> = new Set([
  ".dockerenv",
  "dev/console",
  "etc/hostname",
  "etc/hosts",
  "etc/resolv.conf",
]);

/** Whether what was found at the path is there in every container, and is as it was made. */
export function isInitial(path: readonly string[], stat: Stat): boolean {
  const name = path.join("/");
  if (isDirectory(stat)) return directories.has(name) && (stat.mode & 0o7777) === 0o755;
  return isRegular(stat) && stat.size === 0 && files.has(name);
}
