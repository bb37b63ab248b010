/**
 * Every device of the host, for `--privileged`.
 * @module
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders of /dev that a container has its own of, and files that belong to the host's other managers (as runc). */
const left: ReadonlySet<string> = new Set([
  ".lxc",
  ".lxd-mounts",
  ".udev",
  "console",
  "fd",
  "mqueue",
  "pts",
  "shm",
]);

/** What every container's /dev has anyway. */
const usual: ReadonlySet<string> = new Set(
  ["full", "null", "ptmx", "random", "tty", "urandom", "zero"].map((name) => `/dev/${name}`),
);

/** Paths of the character and block devices below `folder`, without links and what every container has. */
export function hostDevicePaths(folder = "/dev"): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (left.has(entry.name) || usual.has(path)) return [];
    if (entry.isDirectory()) return hostDevicePaths(path);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
  });
}
