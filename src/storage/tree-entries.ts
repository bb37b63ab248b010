/**
 * A tree of files as entries of an archive, read by descriptors while others may change it: what has gone is left out,
 * what shrinks meanwhile is filled up with zeros, and no link is followed. Memory: a directory's list, and a piece of one
 * file.
 * @module
 */
import { decodeName, type EntryInput, type EntryType, type Path } from "../image/mod.ts";
import {
  close,
  errnoNumbers,
  flags,
  O,
  ProgramBuilder,
  type Executor,
  type Out,
  type Result,
  type Slot,
} from "../kernel/mod.ts";
import { nameArgument } from "./attributes.ts";
import { isOpaque, isWhiteout } from "./changes.ts";
import { directoryForReading, openDirectory, type Way } from "./directories.ts";
import { readXattrs, type Xattrs } from "./extended-attributes.ts";
import { addStat, isDirectory, isLink, isRegular, parseStat, typeMask, type Stat } from "./stat.ts";
import { TreeReader, type Listed } from "./tree-reader.ts";
import { FILE, viewSlots } from "./view-session.ts";

/** How a tree becomes entries. */
export interface TreeEntriesOptions {
  /** What the tree's top is called in the archive, without a slash at its end (`.`, `etc`; `/` is empty). */
  readonly name: string;
  /** This one file of the top alone, called {@link name}. */
  readonly only?: string;
  /** Whether the top has an entry of its own. */
  readonly top: boolean;
  /** What may be on the way to a directory. */
  readonly way: Way;
  /** Whether the tree is the upper directory of an overlay: what it hides is written as layers have it (OCI image-spec). */
  readonly upper?: boolean;
  /** What an entry is to be in the end; undefined leaves it out, with all below it. */
  readonly change?: (entry: EntryInput, path: Path, stat: Stat) => EntryInput | undefined;
}

/** Files up to this many bytes are read several at once. */
const smallFile = 64 << 10;
/** Files, and bytes of them, that one program reads. */
const mostFiles = 64;
const mostBytes = 1 << 20;
/** Bytes of one read of a larger file. */
const pieceSize = 1 << 20;
const longestLink = 4096;
const firstNames = 256;
const reading = flags(O, "RDONLY", "NONBLOCK", "NOCTTY", "NOFOLLOW", "CLOEXEC");
const zeros = new Uint8Array(64 << 10);

const types: Readonly<Record<number, EntryType>> = {
  0o100000: "file",
  0o040000: "directory",
  0o120000: "symlink",
  0o020000: "char",
  0o060000: "block",
  0o010000: "fifo",
};

/** The entries of the tree below slot 0 of a view's session, in the order of their names. */
export async function* treeEntries(
  session: Pick<Executor, "run">,
  options: TreeEntriesOptions,
): AsyncGenerator<EntryInput, void, void> {
  const walk = new TreeWalk(session, options);
  yield* options.only === undefined ? walk.tree() : walk.single(options.only);
}

/** What one program of {@link TreeWalk} asked about one file. */
interface Asked {
  readonly file: Listed;
  readonly opened: Result | undefined;
  readonly stat: Out;
  readonly names: Result | undefined;
  readonly content: Out;
  readonly read: Result | undefined;
}

class TreeWalk {
  readonly #session: Pick<Executor, "run">;
  readonly #options: TreeEntriesOptions;
  readonly #reader: TreeReader;
  /** Names in the archive of files that have more than one. */
  readonly #links = new Map<string, string>();

  constructor(session: Pick<Executor, "run">, options: TreeEntriesOptions) {
    this.#session = session;
    this.#options = options;
    this.#reader = new TreeReader(session, options.way);
  }

  async *tree(): AsyncGenerator<EntryInput, void, void> {
    const b = new ProgramBuilder();
    const { top } = viewSlots(b);
    const { out } = addStat(b, "look at the directory", top, "");
    const stat = parseStat((await this.#session.run(b.build())).bytesOf(out));
    yield* this.#directory([], stat);
  }

  async *single(name: string): AsyncGenerator<EntryInput, void, void> {
    const b = new ProgramBuilder();
    const { top } = viewSlots(b);
    const { out, result } = addStat(b, `look at ${name}`, top, nameArgument(name));
    const outcome = await this.#session.run(b.build());
    if (outcome.valueOf(result) === 0)
      yield* this.#files([], [{ name, stat: parseStat(outcome.bytesOf(out)) }]);
  }

  async *#directory(path: Path, stat: Stat): AsyncGenerator<EntryInput, void, void> {
    const listed: Listed[] = [];
    for await (const files of this.#reader.list(path)) listed.push(...files);
    const opaque = this.#options.upper === true && (await isOpaque(this.#session));
    if (path.length > 0 || this.#options.top) {
      const entry = this.#changed(path, stat, entryOf(this.#name(path), stat, await this.#xattrs(path)));
      if (entry === undefined) return;
      yield entry;
    }
    if (opaque) yield this.#hidden([...path, ".wh..wh..opq"]);
    listed.sort((a, b) => Number(a.name > b.name) - Number(a.name < b.name));
    let files: Listed[] = [];
    for (const file of listed) {
      if (!isDirectory(file.stat)) {
        files.push(file);
        continue;
      }
      yield* this.#files(path, files);
      files = [];
      yield* this.#directory([...path, file.name], file.stat);
    }
    yield* this.#files(path, files);
  }

  /** What isn't a directory, some of one directory. */
  async *#files(directory: Path, files: readonly Listed[]): AsyncGenerator<EntryInput, void, void> {
    let some: Listed[] = [];
    let size = 0;
    for (const file of files) {
      const large = isRegular(file.stat) && file.stat.size > smallFile;
      if (some.length > 0 && (large || some.length === mostFiles || size > mostBytes)) {
        yield* this.#several(directory, some);
        some = [];
        size = 0;
      }
      if (large) yield* this.#large(directory, file);
      else {
        some.push(file);
        size += isRegular(file.stat) ? file.stat.size : longestLink;
      }
    }
    if (some.length > 0) yield* this.#several(directory, some);
  }

  async *#several(directory: Path, files: readonly Listed[]): AsyncGenerator<EntryInput, void, void> {
    const b = new ProgramBuilder();
    const slots = viewSlots(b);
    this.#open(b, slots.top, directory, slots.directory);
    const asked = files.map((file) => ask(b, slots, file));
    const outcome = await this.#session.run(b.build());
    for (const { file, opened, stat, names, content, read } of asked) {
      const path = [...directory, file.name];
      const length = read === undefined ? 0 : (outcome.valueOf(read) ?? -1);
      if (isLink(file.stat)) {
        if (length < 0) continue;
        const linkPath = decodeName(outcome.bytesOf(content).subarray(0, length));
        yield* this.#emit(path, file.stat, { ...entryOf(this.#name(path), file.stat), linkPath });
        continue;
      }
      if (this.#options.upper === true && isWhiteout(file.stat)) {
        const hidden = this.#hidden([...directory, `.wh.${file.name}`]);
        const entry = this.#changed(path, file.stat, hidden);
        if (entry !== undefined) yield entry;
        continue;
      }
      if (!isRegular(file.stat)) {
        if (types[file.stat.mode & typeMask] !== undefined)
          yield* this.#emit(path, file.stat, entryOf(this.#name(path), file.stat));
        continue;
      }
      if (opened === undefined || (outcome.valueOf(opened) ?? -1) < 0 || length < 0) continue;
      const now = parseStat(outcome.bytesOf(stat));
      if (!isRegular(now)) continue;
      const more = names === undefined ? 0 : (outcome.valueOf(names) ?? 0);
      const some = more > 0 || more === -errnoNumbers.ERANGE;
      const body = outcome.bytesOf(content).subarray(0, length);
      const xattrs = some ? await this.#xattrs(directory, file.name) : undefined;
      yield* this.#emit(path, now, { ...entryOf(this.#name(path), now, xattrs), size: length, body });
    }
  }

  async *#large(directory: Path, { name }: Listed): AsyncGenerator<EntryInput, void, void> {
    const b = new ProgramBuilder();
    const { top, directory: parent, file } = viewSlots(b);
    this.#open(b, top, directory, parent);
    const path = [...directory, name];
    const args = [parent, nameArgument(name), reading];
    const opened = b.call(`open ${name}`, "openat", args, { into: file, optional: true, tolerate: "any" });
    const { out } = addStat(b, `look at ${name}`, file, "");
    const names = b.out(firstNames);
    const listed = b.call(`has ${name} attributes?`, "flistxattr", [file, names, firstNames], {
      optional: true,
      tolerate: "any",
    });
    const outcome = await this.#session.run(b.build());
    if ((outcome.valueOf(opened) ?? -1) < 0) return;
    const stat = parseStat(outcome.bytesOf(out));
    if (!isRegular(stat)) return;
    const more = outcome.valueOf(listed) ?? 0;
    const some = more > 0 || more === -errnoNumbers.ERANGE;
    const xattrs = some
      ? await readXattrs(this.#session, { slot: FILE }, `read attributes of ${name}`)
      : undefined;
    yield* this.#emit(path, stat, {
      ...entryOf(this.#name(path), stat, xattrs),
      size: stat.size,
      body: this.#content(name, stat.size),
    });
  }

  /** The bytes of the file in its slot, one piece read ahead. */
  async *#content(name: string, size: number): AsyncGenerator<Uint8Array, void, void> {
    const read = (at: number): Promise<Uint8Array> => {
      const b = new ProgramBuilder();
      const { file } = viewSlots(b);
      const length = Math.min(pieceSize, size - at);
      const out = b.out(length);
      const got = b.call(`read ${name}`, "pread64", [file, out, length, at]);
      const piece = this.#session
        .run(b.build())
        .then((outcome) => outcome.bytesOf(out).subarray(0, outcome.valueOf(got) ?? 0));
      // Whoever wants no more of it doesn't wait for the piece that was read ahead.
      piece.catch(() => undefined);
      return piece;
    };
    let next = size > 0 ? read(0) : undefined;
    for (let at = 0; at < size;) {
      const piece = await next;
      if (piece === undefined || piece.length === 0) {
        yield* fill(size - at);
        return;
      }
      at += piece.length;
      next = at < size ? read(at) : undefined;
      yield piece;
    }
  }

  /** What says in a layer that something is gone. */
  #hidden(path: Path): EntryInput {
    return { type: "file", path: this.#name(path), mode: 0o600 };
  }

  #emit(path: Path, stat: Stat, entry: EntryInput): EntryInput[] {
    const known = stat.links > 1 ? this.#links.get(stat.identity) : undefined;
    const linked: EntryInput =
      known === undefined ? entry : { ...entry, type: "hardlink", linkPath: known, size: 0, body: undefined };
    const changed = this.#changed(path, stat, linked);
    if (changed === undefined) return [];
    if (stat.links > 1 && known === undefined) this.#links.set(stat.identity, changed.path);
    return [changed];
  }

  #changed(path: Path, stat: Stat, entry: EntryInput): EntryInput | undefined {
    const { change } = this.#options;
    return change === undefined ? entry : change(entry, path, stat);
  }

  #name(path: Path): string {
    const { name, only, top } = this.#options;
    if (only !== undefined) return name;
    if (!top) return path.join("/");
    return path.length === 0 ? name || "/" : `${name}/${path.join("/")}`;
  }

  /** Attributes of a directory, or of a file in it. */
  async #xattrs(directory: Path, name?: string): Promise<Xattrs> {
    const b = new ProgramBuilder();
    const { top, directory: parent, file } = viewSlots(b);
    if (name === undefined) this.#open(b, top, directory, file);
    else {
      this.#open(b, top, directory, parent);
      const args = [parent, nameArgument(name), reading];
      b.call(`open ${name}`, "openat", args, { into: file, optional: true, tolerate: "any" });
    }
    const out = b.out(firstNames);
    const listed = b.call("has it attributes?", "flistxattr", [file, out, firstNames], {
      optional: true,
      tolerate: "any",
    });
    const length = (await this.#session.run(b.build())).valueOf(listed) ?? 0;
    if (length <= 0 && length !== -errnoNumbers.ERANGE) return new Map();
    return await readXattrs(this.#session, { slot: FILE }, `read attributes of ${name ?? "a directory"}`);
  }

  #open(b: ProgramBuilder, top: Slot, directory: Path, into: Slot): void {
    const tolerate = ["ENOENT", "ENOTDIR", "ELOOP"] as const;
    openDirectory(b, top, directory, into, { how: directoryForReading, way: this.#options.way, tolerate });
  }
}

function ask(b: ProgramBuilder, slots: ReturnType<typeof viewSlots>, file: Listed): Asked {
  const { name, stat } = file;
  const argument = nameArgument(name);
  const tolerant = { optional: true, tolerate: "any" } as const;
  const nothing = b.out(0);
  if (isLink(stat)) {
    const content = b.out(longestLink);
    const args = [slots.directory, argument, content, longestLink];
    const read = b.call(`read the link ${name}`, "readlinkat", args, tolerant);
    return { file, opened: undefined, stat: nothing, names: undefined, content, read };
  }
  if (!isRegular(stat))
    return { file, opened: undefined, stat: nothing, names: undefined, content: nothing, read: undefined };
  const args = [slots.directory, argument, reading];
  const opened = b.call(`open ${name}`, "openat", args, { ...tolerant, into: slots.file });
  const look = addStat(b, `look at ${name}`, slots.file, "");
  const list = b.out(firstNames);
  const names = b.call(`has ${name} attributes?`, "flistxattr", [slots.file, list, firstNames], tolerant);
  const content = b.out(stat.size);
  const read =
    stat.size === 0
      ? undefined
      : b.call(`read ${name}`, "pread64", [slots.file, content, stat.size, 0], tolerant);
  close(b, slots.file, true);
  return { file, opened, stat: look.out, names, content, read };
}

function entryOf(path: string, stat: Stat, xattrs?: Xattrs): EntryInput {
  const { mode, uid, gid, mtime, major, minor } = stat;
  const device = (mode & typeMask) === 0o020000 || (mode & typeMask) === 0o060000;
  return {
    type: types[mode & typeMask] ?? "file",
    path,
    mode: mode & 0o7777,
    uid,
    gid,
    // As Docker has it: whole seconds need no header of their own.
    mtime: { sec: mtime.sec, nsec: 0 },
    ...(device ? { major, minor } : {}),
    ...(xattrs === undefined || xattrs.size === 0 ? {} : { xattrs: kept(xattrs) }),
  };
}

/** Those that mean something elsewhere: not this host's labels and access lists. */
function kept(xattrs: Xattrs): Xattrs {
  return new Map([...xattrs].filter(([key]) => key === "security.capability" || key.startsWith("user.")));
}

function* fill(length: number): Generator<Uint8Array, void, void> {
  for (let left = length; left > 0; left -= zeros.length)
    yield zeros.subarray(0, Math.min(left, zeros.length));
}
