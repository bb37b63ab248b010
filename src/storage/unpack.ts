/**
 * Unpacks a layer: its changes become operations in a session whose root directory is the layer's own, so that nothing
 * outside exists for it. Every directory is opened without following a link; what is made is made by its name in it.
 * Whiteouts are written as the overlay file system wants them (kernel: Documentation/filesystems/overlayfs.rst).
 * @module
 */
import { pathText, type LayerChange, type Path, type TarEntry } from "../image/mod.ts";
import { AT, bytes, CWD, flags, int, octal, S, type Executor } from "../kernel/mod.ts";
import {
  deviceArgument,
  nameArgument,
  timesArgument,
  xattrTolerated,
  type DirectoryAttributes,
} from "./attributes.ts";
import { directoryForReading, openDirectory } from "./directories.ts";
import { fillFile } from "./file-content.ts";
import { Pipeline } from "./pipeline.ts";
import { enterRoot, FILE, LINKED, PARENT, ROOT, sessionSlots } from "./unpack-session.ts";

/** What unpacking came to. */
export interface Unpacked {
  /** Bytes of all files, as Docker counts a layer's size. */
  readonly size: number;
  /** Attributes of the layer's root. */
  readonly root: DirectoryAttributes;
}

/** What a layer is unpacked onto. */
export interface UnpackOptions {
  /** Attributes of the root where the layer says nothing. */
  readonly root: DirectoryAttributes;
  /** Whether there is no layer below: then nothing is to be hidden. */
  readonly lowest: boolean;
  /** What is being done, for errors. */
  readonly doing: string;
}

type Change = LayerChange<TarEntry>;
type Addition = Extract<Change, { kind: "add" }>;

/** Permission bits that chown(2) clears and that a file is not created with. */
const specialBits = 0o7000;

/**
 * Makes `changes` in the empty directory `directory`. Afterwards the session is of no other use.
 */
export async function unpackInto(
  session: Pick<Executor, "run">,
  directory: string,
  changes: AsyncIterable<Change>,
  options: UnpackOptions,
): Promise<Unpacked> {
  const pipeline = new Pipeline(session, sessionSlots, options.doing);
  try {
    enterRoot(pipeline, directory);
    const unpacker = new Unpacker(pipeline, options);
    for await (const change of changes) {
      const work = unpacker.apply(change);
      if (work !== undefined) await work;
      const room = pipeline.next();
      if (room !== undefined) await room;
    }
    return await unpacker.finish();
  } finally {
    // Nobody may remove the directory while something is still being made in it.
    await pipeline.settle();
  }
}

class Unpacker {
  readonly #pipeline: Pipeline;
  /** Directories whose attributes are still to be set; the last word on each counts. */
  readonly #directories = new Map<
    string,
    { readonly path: Path; readonly attributes: DirectoryAttributes }
  >();
  readonly #lowest: boolean;
  #root: DirectoryAttributes;
  #size = 0;
  /** The directory that the session stands in. */
  #current: string | undefined;

  constructor(pipeline: Pipeline, { root, lowest }: UnpackOptions) {
    this.#pipeline = pipeline;
    this.#lowest = lowest;
    this.#root = root;
  }

  apply(change: Change): Promise<void> | undefined {
    switch (change.kind) {
      case "add":
        return this.#add(change);
      case "link":
        this.#link(change.path, change.target, change.replaces);
        return undefined;
      case "implied":
        this.#imply(change.path);
        return undefined;
      case "whiteout":
        if (!this.#lowest) this.#whiteout(change.path);
        return undefined;
      case "opaque":
        if (!this.#lowest) this.#opaque(change.path);
        return undefined;
    }
  }

  /** Sets what is left, and waits until all is done. */
  async finish(): Promise<Unpacked> {
    for (const { path, attributes } of this.#directories.values()) {
      this.#finishDirectory(path, attributes);
      await this.#pipeline.next();
    }
    this.#finishDirectory([], this.#root);
    await this.#pipeline.finish();
    return { size: this.#size, root: this.#root };
  }

  #add(change: Addition): Promise<void> | undefined {
    const { path, entry, xattrs } = change;
    if (path.length === 0) {
      this.#root = directoryAttributes(change);
      return undefined;
    }
    const name = this.#place(path, change.replaces);
    if (entry.type === "directory") {
      this.#pipeline.builder.call(`make ${pathText(path)}`, "mkdirat", [CWD, name, octal(0o700)], {
        tolerate: ["EEXIST"],
      });
      this.#pipeline.count(1);
      this.#directories.set(path.join("/"), { path, attributes: directoryAttributes(change) });
      return undefined;
    }
    if (entry.type === "file") {
      this.#size += entry.size;
      const content = fillFile(this.#pipeline, FILE, name, entry, `write ${pathText(path)}`);
      if (content !== undefined) return content.then(() => this.#finishFile(path, name, entry, xattrs));
    } else {
      // As in a file system, a symbolic link is as long as its target.
      if (entry.type === "symlink") this.#size += Buffer.byteLength(entry.linkPath);
      this.#make(path, name, entry);
    }
    this.#finishFile(path, name, entry, xattrs);
    return undefined;
  }

  /** Makes a symbolic link, a device or a fifo. */
  #make(path: Path, name: ReturnType<typeof nameArgument>, entry: TarEntry): void {
    const { builder } = this.#pipeline;
    this.#pipeline.count(1);
    const label = `make ${pathText(path)}`;
    if (entry.type === "symlink") {
      builder.call(label, "symlinkat", [nameArgument(entry.linkPath), CWD, name]);
      return;
    }
    const kind =
      entry.type === "char" ? S.values.IFCHR : entry.type === "block" ? S.values.IFBLK : S.values.IFIFO;
    const device = entry.type === "fifo" ? 0 : deviceArgument(entry.major, entry.minor);
    builder.call(label, "mknodat", [CWD, name, octal(kind | (entry.mode & 0o777)), device]);
  }

  /** Sets owner, permissions, attributes and time, in this order: each clears or changes what comes after. */
  #finishFile(
    path: Path,
    name: ReturnType<typeof nameArgument>,
    entry: TarEntry,
    xattrs: ReadonlyMap<string, Uint8Array>,
  ): void {
    const { builder } = this.#pipeline;
    const shown = pathText(path);
    const noFollow = flags(AT, "SYMLINK_NOFOLLOW");
    if (entry.uid !== 0 || entry.gid !== 0)
      builder.call(`set the owner of ${shown}`, "fchownat", [CWD, name, entry.uid, entry.gid, noFollow]);
    if (entry.type !== "symlink" && (entry.mode & specialBits) !== 0)
      builder.call(`set the mode of ${shown}`, "fchmodat", [CWD, name, octal(entry.mode)]);
    for (const [key, value] of xattrs) {
      const args = [name, key, bytes(value, `${value.length} bytes`), value.length, 0];
      builder.call(`set ${key} of ${shown}`, "lsetxattr", args, { tolerate: xattrTolerated });
    }
    builder.call(`set the time of ${shown}`, "utimensat", [CWD, name, timesArgument(entry.mtime), noFollow]);
    this.#pipeline.count(3 + xattrs.size);
  }

  #link(path: Path, target: Path, replaces: boolean): void {
    const name = this.#place(path, replaces);
    const directory = target.slice(0, -1);
    const linked = nameArgument(target.at(-1) ?? "");
    const { builder } = this.#pipeline;
    const opened = openDirectory(builder, this.#pipeline.slot(ROOT), directory, this.#pipeline.slot(LINKED));
    const label = `link ${pathText(path)} to ${pathText(target)}`;
    builder.call(label, "linkat", [this.#pipeline.slot(LINKED), linked, CWD, name, 0]);
    this.#pipeline.count(1 + opened);
  }

  #imply(path: Path): void {
    const name = this.#place(path, false);
    const { builder } = this.#pipeline;
    // There is nothing, or a whiteout.
    builder.call(`clear ${pathText(path)}`, "unlinkat", [CWD, name, 0], { tolerate: ["ENOENT"] });
    builder.call(`make ${pathText(path)}`, "mkdirat", [CWD, name, octal(0o755)]);
    this.#pipeline.count(2);
    this.#directories.delete(path.join("/"));
  }

  #whiteout(path: Path): void {
    const name = this.#place(path, false);
    const { builder } = this.#pipeline;
    builder.call(`hide ${pathText(path)}`, "mknodat", [
      CWD,
      name,
      octal(S.values.IFCHR),
      deviceArgument(0, 0),
    ]);
    this.#pipeline.count(1);
  }

  #opaque(path: Path): void {
    const name = path.length === 0 ? "." : this.#place(path, false);
    if (path.length === 0) this.#enter([]);
    const { builder } = this.#pipeline;
    const value = bytes(Buffer.from("y"), '"y"');
    builder.call(`make ${pathText(path)} opaque`, "lsetxattr", [name, "trusted.overlay.opaque", value, 1, 0]);
    this.#pipeline.count(1);
  }

  /** Goes to the directory of `path` and makes room there; returns the name in it. */
  #place(path: Path, replaces: boolean): ReturnType<typeof nameArgument> {
    this.#enter(path.slice(0, -1));
    const name = nameArgument(path.at(-1) ?? "");
    if (replaces) {
      this.#pipeline.builder.composite(`remove ${pathText(path)}`, "remove", [CWD, name]);
      this.#pipeline.count(1);
    }
    return name;
  }

  #enter(path: Path): void {
    const key = path.join("/");
    if (this.#current === key) return;
    const { builder } = this.#pipeline;
    const slot = this.#pipeline.slot(PARENT);
    const opened = openDirectory(builder, this.#pipeline.slot(ROOT), path, slot);
    builder.call(`go to ${pathText(path)}`, "fchdir", [slot]);
    this.#pipeline.count(1 + opened);
    this.#current = key;
  }

  /** Sets a directory's attributes if it is still there: something else may have come in its place. */
  #finishDirectory(path: Path, { uid, gid, mode, mtime, xattrs }: DirectoryAttributes): void {
    const { builder } = this.#pipeline;
    const slot = this.#pipeline.slot(PARENT);
    const opened = openDirectory(builder, this.#pipeline.slot(ROOT), path, slot, {
      how: directoryForReading,
      tolerate: ["ENOENT", "ENOTDIR", "ELOOP"],
    });
    const shown = pathText(path);
    const optional = true;
    builder.call(`set the owner of ${shown}`, "fchown", [slot, uid, gid], { optional });
    builder.call(`set the mode of ${shown}`, "fchmod", [slot, octal(mode)], { optional });
    for (const [key, value] of xattrs ?? []) {
      const args = [slot, key, bytes(value, `${value.length} bytes`), value.length, 0];
      builder.call(`set ${key} of ${shown}`, "fsetxattr", args, { optional, tolerate: xattrTolerated });
    }
    if (mtime !== undefined)
      builder.call(`set the time of ${shown}`, "utimensat", [slot, int(0, "NULL"), timesArgument(mtime), 0], {
        optional,
      });
    this.#pipeline.count(3 + opened + (xattrs?.size ?? 0));
  }
}

function directoryAttributes({ entry, xattrs }: Addition): DirectoryAttributes {
  const { uid, gid, mode, mtime } = entry;
  return { uid, gid, mode, mtime, xattrs };
}
