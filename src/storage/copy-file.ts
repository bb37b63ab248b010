/**
 * Copies one file that is no directory, from the directory in one slot to the working directory.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Path } from "../image/mod.ts";
import {
  AT,
  close,
  CWD,
  flags,
  int,
  O,
  octal,
  ProgramBuilder,
  S,
  type Bytes,
  type Executor,
  type Result,
} from "../kernel/mod.ts";
import { deviceArgument, timesArgument, xattrTolerated } from "./attributes.ts";
import { copySlots, type CopySlots } from "./copy-session.ts";
import { valueArgument, type Xattrs } from "./extended-attributes.ts";
import { isLink, isRegular, typeMask, type Stat } from "./stat.ts";
import type { Owner } from "./types.ts";

/** A file to copy. */
export interface Item {
  readonly stat: Stat;
  readonly path: Path;
  /** Its name in its directory, for calls and for people. */
  readonly argument: string | Bytes;
  readonly shown: string;
  /** Text of a symbolic link. */
  readonly link?: Bytes;
  readonly xattrs: Xattrs;
}

const IFSOCK = 0o140000;
/** sendfile(2) moves no more at once. */
const mostSent = 0x7fff_f000;
const SEEK_SET = int(0, "SEEK_SET");
const SEEK_DATA = int(3, "SEEK_DATA");
const SEEK_HOLE = int(4, "SEEK_HOLE");

/** What must have been moved by the calls together. */
export interface Moved {
  readonly item: Item;
  readonly results: readonly Result[];
}

/** Whether the file can be copied at all: a socket means nothing without its process, 0:0 is a whiteout. */
export function isCopied({ mode, major, minor }: Stat): boolean {
  const type = mode & typeMask;
  return type !== IFSOCK && !(type === S.values.IFCHR && major === 0 && minor === 0);
}

/** Whether it has holes worth keeping. */
export function isSparse(stat: Stat): boolean {
  return isRegular(stat) && stat.stored < stat.size && stat.size > 65536;
}

/** Adds making the file with its content, in whole. */
export function addFile(b: ProgramBuilder, slots: CopySlots, item: Item): Moved | undefined {
  const { stat, argument, shown, link } = item;
  const permissions = stat.mode & 0o777;
  if (isRegular(stat)) {
    openBoth(b, slots, item);
    const results: Result[] = [];
    for (let left = stat.size; left > 0; left -= mostSent) {
      const args = [slots.to, slots.from, int(0, "NULL"), Math.min(left, mostSent)];
      results.push(b.call(`copy ${shown}`, "sendfile", args));
    }
    close(b, slots.from);
    close(b, slots.to);
    return { item, results };
  }
  if (link !== undefined) b.call(`make the link ${shown}`, "symlinkat", [link, CWD, argument]);
  else {
    const type = stat.mode & typeMask;
    const device = deviceArgument(stat.major, stat.minor);
    b.call(`make ${shown}`, "mknodat", [CWD, argument, octal(type | permissions), device]);
  }
  return undefined;
}

function openBoth(b: ProgramBuilder, { directory, from, to }: CopySlots, item: Item): void {
  const { argument, shown, stat } = item;
  const reading = flags(O, "RDONLY", "NONBLOCK", "NOCTTY", "NOFOLLOW", "CLOEXEC");
  const writing = flags(O, "WRONLY", "CREAT", "EXCL", "NOFOLLOW", "CLOEXEC");
  b.call(`open ${shown} of the image`, "openat", [directory, argument, reading], { into: from });
  const args = [CWD, argument, writing, octal(stat.mode & 0o777)];
  b.call(`make ${shown}`, "openat", args, { into: to });
}

/** Adds owner, permissions, attributes and time of a file that {@link addFile} made. */
export function addAttributes(b: ProgramBuilder, item: Item, owner: Owner): void {
  const { stat, argument, shown, xattrs } = item;
  const noFollow = flags(AT, "SYMLINK_NOFOLLOW");
  const ids = [stat.uid + owner.uid, stat.gid + owner.gid] as const;
  b.call(`set the owner of ${shown}`, "fchownat", [CWD, argument, ...ids, noFollow]);
  if ((stat.mode & 0o7000) !== 0 && !isLink(stat))
    b.call(`set the mode of ${shown}`, "fchmodat", [CWD, argument, octal(stat.mode & 0o7777)]);
  for (const [key, value] of xattrs) {
    const args = [argument, key, valueArgument(value), value.length, 0];
    b.call(`set ${key} of ${shown}`, "lsetxattr", args, { tolerate: xattrTolerated });
  }
  b.call(`set the time of ${shown}`, "utimensat", [CWD, argument, timesArgument(stat.mtime), noFollow]);
}

/** Makes a file with holes, run of data by run of data. */
export async function copySparse(session: Pick<Executor, "run">, item: Item): Promise<void> {
  const { stat, shown } = item;
  const b = new ProgramBuilder();
  const slots = copySlots(b);
  openBoth(b, slots, item);
  b.call(`set the length of ${shown}`, "ftruncate", [slots.to, stat.size]);
  await session.run(b.build());
  for (let at = 0; at < stat.size;) {
    const run = await nextRun(session, at, shown);
    if (run === undefined) break;
    await copyRun(session, run, shown);
    at = run.end;
  }
}

interface Run {
  readonly start: number;
  readonly end: number;
}

async function nextRun(session: Pick<Executor, "run">, at: number, shown: string): Promise<Run | undefined> {
  const b = new ProgramBuilder();
  const { from } = copySlots(b);
  const start = b.call(`find data in ${shown}`, "lseek", [from, at, SEEK_DATA], { tolerate: ["ENXIO"] });
  const end = b.call(`find its end`, "lseek", [from, start, SEEK_HOLE], { tolerate: ["ENXIO", "EINVAL"] });
  const outcome = await session.run(b.build());
  const found = { start: outcome.valueOf(start) ?? -1, end: outcome.valueOf(end) ?? -1 };
  return found.start < 0 || found.end <= found.start ? undefined : found;
}

async function copyRun(session: Pick<Executor, "run">, { start, end }: Run, shown: string): Promise<void> {
  for (let at = start; at < end;) {
    const b = new ProgramBuilder();
    const { from, to } = copySlots(b);
    b.call(`go to the data of ${shown}`, "lseek", [from, at, SEEK_SET]);
    b.call(`go to its place`, "lseek", [to, at, SEEK_SET]);
    const args = [to, from, int(0, "NULL"), Math.min(end - at, mostSent)];
    const sent = b.call(`copy ${shown}`, "sendfile", args);
    const moved = (await session.run(b.build())).valueOf(sent) ?? 0;
    if (moved <= 0) throw failure("internal", { message: `copy ${shown}: its data ended too early` });
    at += moved;
  }
}
