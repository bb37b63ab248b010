/**
 * Extracts an archive below a directory that has files already, as `docker cp` does. The directory is the root of every
 * name in the archive and of every link that is followed on the way to one; what is made is made in a descriptor's
 * directory, and gets its owner and mode by its own descriptor. So neither a crafted archive nor whoever moves names about
 * meanwhile leads out of the directory.
 * @module
 */
import { failure, type CaissonError } from "../errors/mod.ts";
import { pathText, type Path, type TarEntry } from "../image/mod.ts";
import {
  AT,
  bytes,
  close,
  flags,
  int,
  KernelError,
  O,
  octal,
  ProgramBuilder,
  S,
  type Bytes,
  type Slot,
} from "../kernel/mod.ts";
import { deviceArgument, nameArgument, timesArgument, xattrTolerated } from "./attributes.ts";
import { directoryBehindLinks, directoryForReading, openDirectory } from "./directories.ts";
import { writePieces } from "./file-content.ts";
import { Pipeline } from "./pipeline.ts";
import { DIRECTORY, FILE, SCRATCH, TOP, viewSlotNames, viewSlots, type ViewSession } from "./view-session.ts";
import { followLinks } from "./view-path.ts";

/** How an archive is extracted. */
export interface ExtractOptions {
  /** Where it goes, for errors. */
  readonly path: string;
  /** A directory in the place of a file, or the other way round, is an error. */
  readonly noOverwriteDirNonDir: boolean;
  /** Who owns everything; undefined: whom the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Ids that there are for the session: whose isn't among them belongs to root. */
  readonly ids: number;
}

const specialBits = 0o7000;
const noFollow = flags(AT, "SYMLINK_NOFOLLOW");
const creating = flags(O, "WRONLY", "CREAT", "EXCL", "NOFOLLOW", "CLOEXEC");
const looking = flags(O, "PATH", "DIRECTORY", "NOFOLLOW", "CLOEXEC");
const replacing = "make room for ";
const making = "make the directory ";
const finding = "open ";
const through = { way: "links", how: directoryBehindLinks } as const;
const overlayAttribute = /^(?:trusted|user)\.overlay\./;

/** Extracts the entries below the top of the session, a directory. */
export async function extractInto(
  session: ViewSession,
  entries: AsyncIterable<TarEntry>,
  options: ExtractOptions,
): Promise<void> {
  const pipeline = new Pipeline(session, viewSlotNames, "");
  try {
    const extractor = new Extractor(session, pipeline, options);
    for await (const entry of entries) {
      await extractor.add(entry);
      await pipeline.next();
    }
    await extractor.finish();
  } catch (error) {
    throw inDockersWords(error, options.path);
  } finally {
    await pipeline.settle();
  }
}

/** What the session said of one of its operations, as Docker says it. */
function inDockersWords(error: unknown, path: string): unknown {
  if (!(error instanceof KernelError)) return error;
  const { errnoName, operation } = error;
  const { call, label = "" } = operation ?? {};
  const say = (message: string): CaissonError => failure("invalid-parameter", { message }, error);
  const named = (prefix: string): string => JSON.stringify(label.slice(prefix.length));
  if (call === "unlinkat" && errnoName === "EISDIR")
    return say(`cannot overwrite directory ${named(replacing)} with non-directory ${JSON.stringify(path)}`);
  if (call === "mkdirat" && errnoName === "EEXIST")
    return say(`cannot overwrite non-directory ${named(making)} with directory ${JSON.stringify(path)}`);
  if (errnoName === "ENOENT" && (call === "linkat" || label.startsWith(finding)))
    return failure("not-found", { message: path }, error);
  return error;
}

class Extractor {
  readonly #session: ViewSession;
  readonly #pipeline: Pipeline;
  readonly #options: ExtractOptions;
  /** Directories whose attributes are still to be set; the last word on each counts. */
  readonly #directories = new Map<string, { readonly path: Path; readonly entry: TarEntry }>();
  /** Directories that are known to be there. */
  readonly #known = new Set<string>([""]);
  #current: string | undefined;

  constructor(session: ViewSession, pipeline: Pipeline, options: ExtractOptions) {
    this.#session = session;
    this.#pipeline = pipeline;
    this.#options = options;
  }

  async add(entry: TarEntry): Promise<void> {
    const path = clean(entry.path);
    if (path === undefined)
      throw failure("invalid-parameter", { message: `invalid entry name ${JSON.stringify(entry.path)}` });
    const name = path.at(-1);
    // The directory itself is as it is, as in Docker.
    if (name === undefined) return;
    const target = entry.type === "hardlink" ? clean(entry.linkPath) : [];
    if (target === undefined)
      throw failure("invalid-parameter", {
        message: `invalid hardlink target ${JSON.stringify(entry.linkPath)}`,
      });
    await this.#enter(path.slice(0, -1), path);
    if (entry.type === "directory") {
      this.#makeDirectory(path, name, entry);
      return;
    }
    this.#makeRoom(path, name);
    if (entry.type === "file") await this.#makeFile(path, name, entry);
    else if (entry.type === "hardlink") this.#link(path, name, target);
    else this.#make(path, name, entry);
  }

  async finish(): Promise<void> {
    for (const { path, entry } of this.#directories.values()) {
      this.#finishDirectory(path, entry);
      await this.#pipeline.next();
    }
    await this.#pipeline.finish();
  }

  /** Whatever is in the place of something that is no directory goes. */
  #makeRoom(path: Path, name: string): void {
    const { builder } = this.#pipeline;
    const directory = this.#pipeline.slot(DIRECTORY);
    const label = `${replacing}${shown(path)}`;
    if (this.#options.noOverwriteDirNonDir)
      builder.call(label, "unlinkat", [directory, nameArgument(name), 0], { tolerate: ["ENOENT"] });
    else {
      builder.composite(label, "remove", [directory, nameArgument(name)]);
      this.#forget(path);
    }
    this.#pipeline.count(1);
  }

  /** A directory that goes takes those below it along. */
  #forget(path: Path): void {
    const key = path.join("/");
    if (!this.#known.has(key)) return;
    for (const known of this.#known)
      if (known === key || known.startsWith(`${key}/`)) this.#known.delete(known);
    this.#current = undefined;
  }

  #makeDirectory(path: Path, name: string, entry: TarEntry): void {
    const { builder } = this.#pipeline;
    const [directory, scratch] = [this.#pipeline.slot(DIRECTORY), this.#pipeline.slot(SCRATCH)];
    const argument = nameArgument(name);
    const mode = octal(entry.mode & 0o777);
    const there = builder.call(`is ${shown(path)} a directory?`, "openat", [directory, argument, looking], {
      into: scratch,
      tolerate: ["ENOENT", "ENOTDIR", "ELOOP"],
    });
    builder.skipIf("unless it is one", there, ">=0", 0, () => {
      if (!this.#options.noOverwriteDirNonDir)
        builder.composite(`${replacing}${shown(path)}`, "remove", [directory, argument]);
      builder.call(`${making}${shown(path)}`, "mkdirat", [directory, argument, mode]);
    });
    this.#pipeline.count(4);
    const key = path.join("/");
    this.#known.add(key);
    this.#directories.delete(key);
    this.#directories.set(key, { path, entry });
  }

  async #makeFile(path: Path, name: string, entry: TarEntry): Promise<void> {
    const label = `write ${pathText(path)}`;
    const args = [this.#pipeline.slot(DIRECTORY), nameArgument(name), creating, octal(entry.mode & 0o777)];
    this.#pipeline.builder.call(label, "openat", args, { into: this.#pipeline.slot(FILE) });
    this.#pipeline.count(1);
    await writePieces(this.#pipeline, FILE, entry, label);
    const file = this.#pipeline.slot(FILE);
    this.#attributes(file, path, entry);
    close(this.#pipeline.builder, file);
    this.#pipeline.count(1);
  }

  /** Adds owner, mode, attributes and times of what the slot holds, in this order: each clears what comes after. */
  #attributes(file: Slot, path: Path, entry: TarEntry, optional = false): void {
    const { builder } = this.#pipeline;
    const { uid, gid } = this.#owner(entry);
    const of = pathText(path);
    builder.call(`set the owner of ${of}`, "fchown", [file, uid, gid], { optional });
    builder.call(`set the mode of ${of}`, "fchmod", [file, octal(entry.mode)], { optional });
    for (const [key, value] of entry.xattrs) {
      if (overlayAttribute.test(key)) continue;
      const args = [file, key, bytes(value, `${value.length} bytes`), value.length, 0];
      builder.call(`set ${key} of ${of}`, "fsetxattr", args, { optional, tolerate: xattrTolerated });
    }
    const times = [file, int(0, "NULL"), timesArgument(entry.mtime), 0];
    builder.call(`set the time of ${of}`, "utimensat", times, { optional });
    this.#pipeline.count(3 + entry.xattrs.size);
  }

  /** Makes a symbolic link, a device or a fifo; nobody can make these by a descriptor. */
  #make(path: Path, name: string, entry: TarEntry): void {
    const { builder } = this.#pipeline;
    const directory = this.#pipeline.slot(DIRECTORY);
    const argument = nameArgument(name);
    const label = `make ${pathText(path)}`;
    if (entry.type === "symlink")
      builder.call(label, "symlinkat", [nameArgument(entry.linkPath), directory, argument]);
    else {
      const kind =
        entry.type === "char" ? S.values.IFCHR : entry.type === "block" ? S.values.IFBLK : S.values.IFIFO;
      const device = entry.type === "fifo" ? 0 : deviceArgument(entry.major, entry.minor);
      const mode = octal(kind | (entry.mode & ~specialBits));
      builder.call(label, "mknodat", [directory, argument, mode, device]);
    }
    const { uid, gid } = this.#owner(entry);
    const times: readonly [Slot, string | Bytes, Bytes] = [directory, argument, timesArgument(entry.mtime)];
    builder.call(`set the owner of ${pathText(path)}`, "fchownat", [directory, argument, uid, gid, noFollow]);
    builder.call(`set the time of ${pathText(path)}`, "utimensat", [...times, noFollow]);
    this.#pipeline.count(3);
  }

  #link(path: Path, name: string, target: Path): void {
    const { builder } = this.#pipeline;
    const [top, scratch] = [this.#pipeline.slot(TOP), this.#pipeline.slot(SCRATCH)];
    const opened = openDirectory(builder, top, target.slice(0, -1), scratch, through);
    const args = [
      scratch,
      nameArgument(target.at(-1) ?? ""),
      this.#pipeline.slot(DIRECTORY),
      nameArgument(name),
      0,
    ];
    builder.call(`link ${pathText(path)} to ${pathText(target)}`, "linkat", args);
    this.#pipeline.count(1 + opened);
  }

  /**
   * Adds opening the directory as the one that is worked in, for something in it at `goal`; it is made where it is
   * missing, as root's.
   */
  async #enter(path: Path, goal: Path): Promise<void> {
    const key = path.join("/");
    if (this.#current === key) return;
    if (!this.#known.has(key)) {
      await this.#pipeline.finish();
      await this.#ensure(path, goal);
      this.#known.add(key);
    }
    const slot = this.#pipeline.slot(DIRECTORY);
    this.#pipeline.count(
      openDirectory(this.#pipeline.builder, this.#pipeline.slot(TOP), path, slot, through),
    );
    this.#current = key;
  }

  async #ensure(path: Path, goal: Path): Promise<void> {
    const b = new ProgramBuilder();
    const { top, directory } = viewSlots(b);
    const tolerate = ["ENOENT", "ENOTDIR"] as const;
    openDirectory(b, top, path, directory, { ...through, tolerate });
    // Whether the slot is full is what tells.
    const probe = b.call("is it there?", "fcntl", [directory, int(1, "F_GETFD")], { optional: true });
    if ((await this.#session.run(b.build())).valueOf(probe) !== undefined) return;
    const real = (await followLinks(this.#session, path.join("/"))).split("/").slice(1);
    try {
      await this.#session.run(makeAll(real));
    } catch (error) {
      if (!(error instanceof KernelError) || error.errnoName !== "ENOTDIR") throw error;
      throw failure("invalid-parameter", { message: `openat ${shown(goal)}: not a directory` }, error);
    }
  }

  #finishDirectory(path: Path, entry: TarEntry): void {
    const { builder } = this.#pipeline;
    const scratch = this.#pipeline.slot(SCRATCH);
    const opened = openDirectory(builder, this.#pipeline.slot(TOP), path, scratch, {
      way: "links",
      how: directoryForReading,
      tolerate: ["ENOENT", "ENOTDIR", "ELOOP"],
    });
    this.#pipeline.count(opened);
    this.#attributes(scratch, path, entry, true);
  }

  #owner(entry: TarEntry): { readonly uid: number; readonly gid: number } {
    const { owner, ids } = this.#options;
    if (owner !== undefined) return owner;
    const known = (id: number): number => (id < ids ? id : 0);
    return { uid: known(entry.uid), gid: known(entry.gid) };
  }
}

/** The program that makes a directory and all above it where they are missing. */
function makeAll(path: Path): ReturnType<ProgramBuilder["build"]> {
  const b = new ProgramBuilder();
  const { top, directory } = viewSlots(b);
  path.forEach((name, depth) => {
    const args = [depth === 0 ? top : directory, nameArgument(name), octal(0o755)];
    b.call(`make ${pathText(path.slice(0, depth + 1))}`, "mkdirat", args, { tolerate: ["EEXIST"] });
    openDirectory(b, top, path.slice(0, depth + 1), directory, { way: "mounts" });
  });
  return b.build();
}

/** The components of a name in the archive; undefined if it leaves the archive's root. */
function clean(name: string): Path | undefined {
  const components: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") components.push(component);
    else if (components.pop() === undefined) return undefined;
  }
  return components;
}

function shown(path: Path): string {
  return pathText(path).slice(1);
}
