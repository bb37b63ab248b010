/**
 * What a new volume takes from the image's directory at its mount point. The image is read through a detached mount and
 * resolved inside of its root; the volume's directory is a descriptor. Neither is ever left by a link (CVE-2022-23648).
 * @module
 */
import { failure } from "../errors/mod.ts";
import { pathText, type Path } from "../image/mod.ts";
import {
  bytes,
  CWD,
  errnoNumbers,
  flags,
  int,
  O,
  octal,
  open,
  openInRoot,
  ProgramBuilder,
  type Executor,
  type Outcome,
} from "../kernel/mod.ts";
import { nameArgument, timesArgument, xattrTolerated } from "./attributes.ts";
import {
  addAttributes,
  addFile,
  copySparse,
  isCopied,
  isSparse,
  type Item,
  type Moved,
} from "./copy-file.ts";
import { copySlots, type CopySlots } from "./copy-session.ts";
import { directoryForReading, openDirectory } from "./directories.ts";
import { addXattrLook, readXattrs, valueArgument, type Xattrs } from "./extended-attributes.ts";
import { makeMergedRoot } from "./merged-root.ts";
import { addStat, isDirectory, isLink, parseStat, type Stat } from "./stat.ts";
import { TreeReader, type Listed } from "./tree-reader.ts";
import type { Owner, RootPlan } from "./types.ts";

/** What copying works with. */
export interface CopyUpOptions {
  /** Starts an executor of its own; whoever disposes of it may have waited for it in vain. */
  readonly session: () => Pick<Executor, "run"> & Disposable;
  /** Added to every owner: the beginning of the container's range where the volume's ids can't be mapped. */
  readonly owner?: Owner;
}

type CopySession = Pick<Executor, "run">;

/** A symbolic link's text is at most this long. */
const longestLink = 4096;

/**
 * Copies the directory `path` of the image below `plan` into the directory `target`, with owners, modes, times, links
 * and attributes, those of the directory itself too. Does nothing and returns false if `target` isn't empty or the
 * image has no directory there. Throws the kernel's error, after which `target` holds a part.
 */
export async function copyTree(
  plan: RootPlan,
  path: string,
  target: string,
  options: CopyUpOptions,
): Promise<boolean> {
  using session = options.session();
  if (!(await isEmpty(session, target))) return false;
  const stat = await begin(session, plan, path, target);
  if (stat === undefined) return false;
  await new TreeCopy(session, options.owner ?? { uid: 0, gid: 0 }).copy(stat);
  return true;
}

/** Bytes of struct linux_dirent64 of `.` and `..`, and room for one more with the longest name. */
const emptySize = 48;
const entriesSize = 512;

async function isEmpty(session: CopySession, target: string): Promise<boolean> {
  const b = new ProgramBuilder();
  const { volume } = copySlots(b);
  open(b, "open the volume", CWD, target, directoryForReading, volume);
  const read = b.call("is it empty?", "getdents64", [volume, b.out(entriesSize), entriesSize]);
  const outcome = await session.run(b.build(), { doing: "copy the image's content to a volume" });
  return (outcome.valueOf(read) ?? 0) <= emptySize;
}

/** Opens both trees; what the source's top is, if it is a directory. */
async function begin(
  session: CopySession,
  plan: RootPlan,
  path: string,
  target: string,
): Promise<Stat | undefined> {
  const b = new ProgramBuilder();
  const { source, volume, image, context } = copySlots(b);
  b.call("create files with exact modes", "umask", [0]);
  makeMergedRoot(b, plan, context, image, true);
  const found = openInRoot(b, `look for ${path} in the image`, image, path, source, {
    how: flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"),
    tolerate: ["ENOENT", "ENOTDIR", "ELOOP"],
  });
  open(b, "open the volume", CWD, target, directoryForReading, volume);
  const { out } = addStat(b, `look at ${path} in the image`, source, "");
  const outcome = await session.run(b.build(), { doing: `copy ${path} of the image to a volume` });
  return (outcome.valueOf(found) ?? -1) < 0 ? undefined : parseStat(outcome.bytesOf(out));
}

/** A directory that has been made, whose attributes come last. */
interface Made {
  readonly path: Path;
  readonly stat: Stat;
  readonly xattrs: Xattrs;
}

class TreeCopy {
  readonly #session: CopySession;
  readonly #owner: Owner;
  readonly #directories: Made[] = [];
  /** The first name of each file that has several. */
  readonly #names = new Map<string, Path>();

  constructor(session: CopySession, owner: Owner) {
    this.#session = session;
    this.#owner = owner;
  }

  async copy(stat: Stat): Promise<void> {
    const reader = new TreeReader(this.#session);
    await this.#run((b, { source }) => b.call("go to the image's directory", "fchdir", [source]));
    const xattrs = await readXattrs(this.#session, ".", "read the attributes of the image's directory");
    this.#directories.push({ path: [], stat, xattrs });
    // Grows while it is walked: each directory adds those in it.
    for (const { path } of this.#directories)
      for await (const files of reader.list(path)) await this.#copyFiles(path, files);
    for (const made of this.#directories.reverse())
      await this.#run((b, slots) => finishDirectory(b, slots, made, this.#owner));
  }

  /** Copies some of the files of a directory, which the reader has open. */
  async #copyFiles(directory: Path, files: readonly Listed[]): Promise<void> {
    const items = await this.#look(
      directory,
      files.filter(({ stat }) => isCopied(stat)),
    );
    await this.#run((b, { volume, target }) => {
      openDirectory(b, volume, directory, target);
      b.call(`go to ${pathText(directory)} of the volume`, "fchdir", [target]);
    });
    const whole = items.filter(({ stat }) => !isSparse(stat));
    const moved: Moved[] = [];
    const outcome = await this.#run((b, slots) => {
      for (const item of whole) {
        const made = this.#add(b, slots, item);
        if (made !== undefined) moved.push(made);
      }
    });
    for (const { item, results } of moved) checkMoved(outcome, item, results);
    for (const item of items.filter(({ stat }) => isSparse(stat))) await this.#copySparse(item);
  }

  async #copySparse(item: Item): Promise<void> {
    if (this.#names.has(item.stat.identity)) {
      await this.#run((b, slots) => this.#add(b, slots, item));
      return;
    }
    this.#first(item);
    await copySparse(this.#session, item);
    await this.#run((b) => addAttributes(b, item, this.#owner));
  }

  /** The name under which the file has been copied; the given one is noted if it is the first. */
  #first(item: Item): Path | undefined {
    const { identity, links } = item.stat;
    const known = this.#names.get(identity);
    if (known === undefined && links > 1) this.#names.set(identity, item.path);
    return known;
  }

  /** Adds making one file or directory. */
  #add(b: ProgramBuilder, slots: CopySlots, item: Item): Moved | undefined {
    const { stat, path, argument, shown, xattrs } = item;
    if (isDirectory(stat)) {
      b.call(`make ${shown}`, "mkdirat", [CWD, argument, octal(0o700)]);
      this.#directories.push({ path, stat, xattrs });
      return undefined;
    }
    const first = this.#first(item);
    if (first !== undefined) {
      openDirectory(b, slots.volume, first.slice(0, -1), slots.linked);
      const name = nameArgument(first.at(-1) ?? "");
      b.call(`link ${shown} to ${pathText(first)}`, "linkat", [slots.linked, name, CWD, argument, 0]);
      return undefined;
    }
    const moved = addFile(b, slots, item);
    addAttributes(b, item, this.#owner);
    return moved;
  }

  /** What must be known of the files before they are copied. */
  async #look(directory: Path, files: readonly Listed[]): Promise<Item[]> {
    const b = new ProgramBuilder();
    const slots = copySlots(b);
    b.call(`go to ${pathText(directory)} of the image`, "fchdir", [slots.directory]);
    const looks = files.map(({ name, stat }) => {
      const argument = nameArgument(name);
      const path = [...directory, name];
      const shown = pathText(path);
      const xattrs = addXattrLook(b, `has ${shown} attributes?`, argument);
      const out = b.out(isLink(stat) ? longestLink : 0);
      const args = [slots.directory, argument, out, longestLink];
      const read = isLink(stat) ? b.call(`read the link ${shown}`, "readlinkat", args) : undefined;
      return { stat, path, argument, shown, xattrs, out, read };
    });
    const outcome = await this.#session.run(b.build());
    const items: Item[] = [];
    for (const { stat, path, argument, shown, xattrs, out, read } of looks) {
      const listed = outcome.valueOf(xattrs.result) ?? 0;
      const some = listed > 0 || listed === -errnoNumbers.ERANGE;
      const length = read === undefined ? 0 : outcome.valueOf(read);
      items.push({
        stat,
        path,
        argument,
        shown,
        xattrs: some ? await readXattrs(this.#session, argument, `read attributes of ${shown}`) : new Map(),
        ...(read === undefined ? {} : { link: bytes(outcome.bytesOf(out).slice(0, length), "its text") }),
      });
    }
    return items;
  }

  async #run(fill: (b: ProgramBuilder, slots: CopySlots) => unknown): Promise<Outcome> {
    const b = new ProgramBuilder();
    fill(b, copySlots(b));
    return await this.#session.run(b.build(), { doing: "copy the image's content to a volume" });
  }
}

function checkMoved(outcome: Outcome, { stat, shown }: Item, results: Moved["results"]): void {
  const total = results.reduce((sum, result) => sum + (outcome.valueOf(result) ?? 0), 0);
  if (total !== stat.size)
    throw failure("internal", { message: `copy ${shown}: ${total} of ${stat.size} bytes were copied` });
}

/** Adds setting what {@link Made} says. */
function finishDirectory(
  b: ProgramBuilder,
  { volume, target }: CopySlots,
  { path, stat, xattrs }: Made,
  owner: Owner,
): void {
  const shown = pathText(path);
  openDirectory(b, volume, path, target, { how: directoryForReading });
  b.call(`set the owner of ${shown}`, "fchown", [target, stat.uid + owner.uid, stat.gid + owner.gid]);
  b.call(`set the mode of ${shown}`, "fchmod", [target, octal(stat.mode & 0o7777)]);
  for (const [key, value] of xattrs) {
    const args = [target, key, valueArgument(value), value.length, 0];
    b.call(`set ${key} of ${shown}`, "fsetxattr", args, { tolerate: xattrTolerated });
  }
  b.call(`set the time of ${shown}`, "utimensat", [target, int(0, "NULL"), timesArgument(stat.mtime), 0]);
}
