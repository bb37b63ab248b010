/**
 * What is at a path of a container, as Docker tells it.
 * @module
 */
import { baseName } from "../image/mod.ts";
import type { Stat } from "../storage/mod.ts";
import type { PathStat } from "./engine.ts";
import { formatTime } from "./time.ts";

/** Bits of Go's FileMode (io/fs) beside the permissions. */
const goBits = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  character: 2 ** 21,
  sticky: 2 ** 20,
} as const;

const types: Readonly<Record<number, number>> = {
  0o040000: goBits.directory,
  0o120000: goBits.symlink,
  0o060000: goBits.device,
  0o020000: goBits.device + goBits.character,
  0o010000: goBits.fifo,
  0o140000: goBits.socket,
};

/** A mode of stat(2) as Go's FileMode. */
export function goFileMode(mode: number): number {
  return (
    (mode & 0o777) +
    (types[mode & 0o170000] ?? 0) +
    ((mode & 0o4000) === 0 ? 0 : goBits.setuid) +
    ((mode & 0o2000) === 0 ? 0 : goBits.setgid) +
    ((mode & 0o1000) === 0 ? 0 : goBits.sticky)
  );
}

/** What Docker tells of `stat`, which was found at `path`; `target` is where a link leads. */
export function pathStat(path: string, stat: Stat, target: string): PathStat {
  const { sec, nsec } = stat.mtime;
  return {
    name: baseName(path),
    size: stat.size,
    mode: goFileMode(stat.mode),
    mtime: formatTime(BigInt(sec) * 1_000_000_000n + BigInt(nsec)),
    linkTarget: target,
  };
}
