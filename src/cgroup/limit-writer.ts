/**
 * How limits get into files of a cgroup: one operation each, written only after the kernel said that the file is a cgroup's.
 * @module
 */
import {
  CWD,
  flags,
  FS_MAGIC,
  int,
  O,
  open,
  write,
  type CallOptions,
  type Int,
  type Out,
  type ProgramBuilder,
  type Result,
  type Slot,
} from "../kernel/mod.ts";

/** Writes `value` to `file` of one cgroup; `what` is the limit in a human's words: `memory limit`. */
export type LimitWriter = (
  file: string,
  value: string | number,
  what: string,
  tolerate?: CallOptions["tolerate"],
) => Result;

/** fstatfs(2)'s f_type of the cgroup file system. */
export function cgroupMagic(version: 1 | 2): Int {
  return version === 1 ? flags(FS_MAGIC, "CGROUP") : flags(FS_MAGIC, "CGROUP2");
}

/** A writer for version 1, where each controller has its own directory. */
export function directoryWriter(b: ProgramBuilder, directory: string): LimitWriter {
  const magic = cgroupMagic(1);
  return (file, value, what, tolerate) =>
    write(b, `set the ${what}`, CWD, `${directory}/${file}`, String(value), { magic, tolerate });
}

/** A writer for version 2, where one directory has everything. */
export function slotWriter(b: ProgramBuilder, directory: Slot): LimitWriter {
  const magic = cgroupMagic(2);
  return (file, value, what, tolerate) =>
    write(b, `set the ${what}`, directory, file, String(value), { magic, tolerate });
}

/**
 * Two limits that must never contradict each other, not even between the two writes: `first` is written before
 * `second` if the kernel accepts it, else after it.
 */
export function writeInEitherOrder(
  b: ProgramBuilder,
  write: LimitWriter,
  first: readonly [file: string, value: string | number, what: string],
  second: () => void,
): void {
  const early = write(...first, ["EINVAL"]);
  second();
  b.skipIf(`unless the ${first[2]} was refused before`, early, ">=0", 0, () => {
    write(...first);
  });
}

const STATFS_SIZE = 120;
const EXDEV = 18;

/** Opens a cgroup's file for several writes, after the kernel said that it is one (else EXDEV). */
export function openChecked(
  b: ProgramBuilder,
  label: string,
  path: string,
  version: 1 | 2,
  into: Slot,
): void {
  open(b, label, CWD, path, flags(O, "WRONLY", "CLOEXEC"), into);
  const status = b.out(STATFS_SIZE);
  const type: Out = { kind: "out", offset: status.offset, size: 4 };
  b.call(`look what file system ${into.name} is of`, "fstatfs", [into, status]);
  const all = int(0xffffffff, "all bits");
  const args = [type, all, cgroupMagic(version), int(EXDEV, "EXDEV")];
  b.composite(`refuse ${into.name} unless it is a cgroup's`, "compare", args);
}

/** A limit as the kernel wants it: -1 is `max`. */
export function orMax(value: number): string | number {
  return value < 0 ? "max" : value;
}
