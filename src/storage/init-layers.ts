/**
 * Init layers, as Docker calls them: between an image's layers and what a container writes lies what every container has
 * though its image lacks it, so that no start makes it anew in the container's own directory. There is one for all
 * containers of the same topmost layer: `init/<boot ID>/<hex of the chain ID>`. It is made for the first of them, and
 * believed for as long as the machine runs: after a power loss a part of it may be missing.
 *
 * Nothing depends on one. A start makes what it doesn't find.
 * @module
 */
import { mkdir, readdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  AT,
  CWD,
  flags,
  int,
  O,
  octal,
  open,
  ProgramBuilder,
  type Executor,
  type Outcome,
  type Program,
  type Slot,
} from "../kernel/mod.ts";
import { timesArgument } from "./attributes.ts";
import { directoryForReading, openDirectory } from "./directories.ts";
import { initialDirectories, initialFiles, initialLinks } from "./initial-files.ts";
import { makeMergedRoot } from "./merged-root.ts";
import { bootId } from "./settled-layers.ts";
import { addStat, isDirectory, parseStat, type Stat } from "./stat.ts";
import type { Trash } from "./trash.ts";
import type { RootPlan } from "./types.ts";

/** Permissions of what is made (moby's daemon/initlayer). */
const mode = 0o755;
/** All that may be made, those above others first. */
const places: readonly string[] = [...initialDirectories, ...initialFiles, ...initialLinks.keys()];
/** Not yet whole. */
const temporary = ".new";

/** What an image has where something is mounted in every container. */
interface Found {
  /** By its path in the image. */
  readonly at: ReadonlyMap<string, Stat>;
  /** Directories with extended attributes: a second one over it would hide them. */
  readonly marked: ReadonlySet<string>;
}

/** The init layers in one folder. */
export class InitLayers {
  readonly #directory: string;
  readonly #current: string;
  readonly #trash: Trash;
  readonly #session: () => Executor;
  /** Paths of those that are there, by the topmost layer's path; empty for an image that takes none. */
  readonly #made = new Map<string, string>();
  readonly #making = new Map<string, Promise<void>>();

  constructor(directory: string, trash: Trash, session: () => Executor) {
    this.#directory = directory;
    this.#current = join(directory, bootId() || "boot");
    this.#trash = trash;
    this.#session = session;
  }

  /** The init layer for images whose topmost layer is `top`, a layer's folder; undefined if there is none. */
  find(top: string): string | undefined {
    return this.#made.get(top) || undefined;
  }

  /** Finds those that an earlier engine made, and removes those of an earlier run of the machine. */
  async sweep(): Promise<void> {
    await mkdir(this.#current, { recursive: true, mode: 0o710 });
    for (const name of await readdir(this.#directory))
      if (name !== basename(this.#current)) await this.#trash.discard(join(this.#directory, name));
    for (const name of await readdir(this.#current))
      if (name.endsWith(temporary)) await this.#trash.discard(join(this.#current, name));
      else this.#made.set(name, join(this.#current, name));
  }

  /** Makes the one for the image of `plan` unless it is there, under the name `top`. What can't be made is left out. */
  async ensure(top: string, plan: RootPlan): Promise<void> {
    if (this.#made.has(top)) return;
    let work = this.#making.get(top);
    if (work === undefined) {
      work = this.#make(top, plan).finally(() => this.#making.delete(top));
      this.#making.set(top, work);
    }
    await work;
  }

  /** Removes the one of a layer that is removed. */
  async remove(top: string): Promise<void> {
    const path = this.#made.get(top);
    this.#made.delete(top);
    if (path) await this.#trash.discard(path);
  }

  async #make(top: string, plan: RootPlan): Promise<void> {
    const path = join(this.#current, top);
    const fresh = `${path}${temporary}`;
    using session = this.#session();
    try {
      const found = await look(session, plan);
      const program = making(fresh, found);
      if (program !== undefined) {
        await session.run(program, { doing: `make the init layer of ${top}` });
        await rename(fresh, path);
      }
      this.#made.set(top, program === undefined ? "" : path);
    } catch {
      // Containers of this image are as good without it, and whatever is wrong is told by what they do themselves.
      this.#made.set(top, "");
      await this.#trash.discard(fresh).catch(() => false);
    }
  }
}

/** Looks at the image below `plan`. */
async function look(session: Executor, plan: RootPlan): Promise<Found> {
  const b = new ProgramBuilder();
  const merged = b.slot("image");
  makeMergedRoot(b, plan, b.slot("file system"), merged, true);
  const calls = places.map((path) => ({
    path,
    ...addStat(b, `look for /${path}`, merged, path),
  }));
  const lists = initialDirectories.map((path) => ({ path, answer: addListing(b, merged, path) }));
  const outcome = await session.run(b.build(), { doing: "look at the image's root" });
  const at = new Map<string, Stat>();
  for (const { path, result, out } of calls)
    if (outcome.valueOf(result) === 0) at.set(path, parseStat(outcome.bytesOf(out)));
  const marked = lists.filter(({ answer }) => answer(outcome));
  return { at, marked: new Set(marked.map(({ path }) => path)) };
}

/** Adds looking whether a directory has extended attributes, or can't be told. */
function addListing(b: ProgramBuilder, root: Slot, path: string): (outcome: Outcome) => boolean {
  const directory = b.slot(`directory ${path}`);
  openDirectory(b, root, path.split("/"), directory, {
    how: directoryForReading,
    tolerate: ["ENOENT", "ENOTDIR", "ELOOP"],
    way: "mounts",
  });
  const names = b.call(`has /${path} attributes?`, "flistxattr", [directory, 0, 0], {
    tolerate: "any",
    optional: true,
  });
  return (outcome) => outcome.valueOf(names) !== 0;
}

/**
 * The program that makes the init layer in `folder`; undefined if the image has everything. A directory of the image's in
 * which something is missing is made again as it is there: the topmost of several is the one that counts.
 */
function making(folder: string, { at, marked }: Found): Program | undefined {
  /** Whether something can be put into a directory without hiding anything of it. */
  const takes = (path: string): boolean => {
    if (path === "") return true;
    const stat = at.get(path);
    return stat === undefined ? takes(parentOf(path)) : isDirectory(stat) && !marked.has(path);
  };
  const missing = places.filter((path) => !at.has(path) && takes(parentOf(path)));
  if (missing.length === 0) return undefined;
  const made = new Set([...missing, ...missing.map(parentOf)]);
  const directories = initialDirectories.filter((path) => made.has(path));
  const b = new ProgramBuilder();
  const layer = b.slot("init layer");
  b.call("take every mode as it is given", "umask", [0]);
  b.call("make the init layer", "mkdirat", [CWD, folder, octal(mode)]);
  open(b, "open it", CWD, folder, flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), layer);
  for (const path of directories) b.call(`make /${path}`, "mkdirat", [layer, path, octal(mode)]);
  const regular = int(0o100_000 | mode, `S_IFREG|0${mode.toString(8)}`);
  for (const path of initialFiles.filter((file) => made.has(file)))
    b.call(`make /${path}`, "mknodat", [layer, path, regular, 0]);
  for (const [path, target] of initialLinks)
    if (made.has(path)) b.call(`link /${path} to ${target}`, "symlinkat", [target, layer, path]);
  for (const path of directories) {
    const stat = at.get(path);
    if (stat !== undefined) likeness(b, layer, path, stat);
  }
  return b.build();
}

/** Adds making a directory look as it does in the image. */
function likeness(b: ProgramBuilder, layer: Slot, path: string, { uid, gid, mode: bits, mtime }: Stat): void {
  const noFollow = flags(AT, "SYMLINK_NOFOLLOW");
  b.call(`give /${path} to its owner`, "fchownat", [layer, path, uid, gid, noFollow]);
  b.call(`set the mode of /${path}`, "fchmodat", [layer, path, octal(bits & 0o7777)]);
  b.call(`set the time of /${path}`, "utimensat", [layer, path, timesArgument(mtime), noFollow]);
}

/** The path above; empty at the top. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}
