/**
 * From the entries of a layer's archive to what they change in a root file system: pure, so that a crafted layer is
 * judged before anything is done. Paths are lists of components from the layer's root, with symbolic links of the same
 * layer already followed inside that root: an unpacker needs no link to be followed (`RESOLVE_NO_SYMLINKS`).
 * Source: OCI image spec, "Image Layer Filesystem Changeset"; moby's pkg/archive for what it leaves open.
 * @module
 */
import { failure, type CaissonError } from "../errors/mod.ts";
import { encodeName } from "./tar/name.ts";
import { LayerTree, type Path, PathError } from "./layer-tree.ts";
import type { Entry } from "./tar/entry.ts";

export type { Path } from "./layer-tree.ts";

/** One change to the root file system. Those of one entry are to be made in their order. */
export type LayerChange<E extends Entry = Entry> =
  /**
   * A directory that no entry describes so far: as lower layers have it, else root's with mode 0755. `replaces`, here
   * and below, is whether this layer put something else there before, which must go first with all below it.
   */
  | { readonly kind: "implied"; readonly path: Path; readonly replaces: boolean }
  /** A file, directory, symbolic link, device or fifo; a directory that is there gets the entry's attributes. */
  | {
      readonly kind: "add";
      readonly path: Path;
      readonly entry: E;
      /** Attributes to set: the entry's, without those that the overlay file system would act on. */
      readonly xattrs: ReadonlyMap<string, Uint8Array>;
      readonly replaces: boolean;
    }
  /** A hard link to `target`, which this layer added and which is no directory. */
  | { readonly kind: "link"; readonly path: Path; readonly target: Path; readonly replaces: boolean }
  /** What lower layers have at the path is gone. Nothing of this layer is there. */
  | { readonly kind: "whiteout"; readonly path: Path }
  /** What lower layers have in the directory, which this layer has too, is gone. */
  | { readonly kind: "opaque"; readonly path: Path };

/** Bounds of a layer; more is refused. */
export interface LayerLimits {
  readonly entries: number;
  /** Components of one path. */
  readonly depth: number;
}

const defaultLimits: LayerLimits = { entries: 1 << 20, depth: 512 };
const whiteoutPrefix = ".wh.";
const metaPrefix = ".wh..wh.";
const opaqueName = ".wh..wh..opq";
/** NAME_MAX in bytes. */
const longestComponent = 255;

/** Translates one layer's entries in their order. It remembers the layer's tree of names, not its content. */
export class LayerTranslator {
  readonly #tree: LayerTree = new LayerTree();
  readonly #what: string;
  readonly #limits: LayerLimits;
  #entries = 0;

  /** `what` names the layer in errors. */
  constructor(what: string = "layer", limits: LayerLimits = defaultLimits) {
    this.#what = what;
    this.#limits = limits;
  }

  /** The changes that the entry makes, perhaps none. Throws `bad-archive` if there is no harmless reading of it. */
  translate<E extends Entry>(entry: E): LayerChange<E>[] {
    if (++this.#entries > this.#limits.entries)
      throw this.#bad(entry, `more than ${this.#limits.entries} entries`);
    try {
      return this.#translate(entry);
    } catch (error) {
      if (error instanceof PathError) throw this.#bad(entry, error.message, error);
      throw error;
    }
  }

  #translate<E extends Entry>(entry: E): LayerChange<E>[] {
    const named = cleanPath(entry.path, this.#limits.depth);
    const name = named.at(-1);
    if (name === undefined) return this.#addRoot(entry);
    if (name === opaqueName) return this.#opaque(named.slice(0, -1));
    // What AUFS keeps for itself.
    if (named.some((component) => component.startsWith(metaPrefix))) return [];
    const above = named.slice(0, -1);
    if (name.startsWith(whiteoutPrefix)) return this.#whiteout(above, name.slice(whiteoutPrefix.length));
    const { path: parent, changes } = this.#parent(above);
    const path = [...parent, name];
    // A device 0:0 is what the overlay file system itself takes for a whiteout.
    if (entry.type === "char" && entry.major === 0 && entry.minor === 0)
      return [...changes, ...this.#hide(path)];
    if (entry.type === "hardlink") return [...changes, this.#link(entry, path)];
    return [...changes, ...this.#add(entry, path)];
  }

  #addRoot<E extends Entry>(entry: E): LayerChange<E>[] {
    if (entry.type !== "directory") throw new PathError("the root can only be a directory");
    return [{ kind: "add", path: [], entry, xattrs: harmless(entry), replaces: false }];
  }

  #add<E extends Entry>(entry: E, path: Path): LayerChange<E>[] {
    const before = this.#tree.get(path)?.kind;
    const directory = entry.type === "directory";
    if (entry.type === "symlink") checkTarget(entry.linkPath);
    const replaces = before !== undefined && !(directory && before === "directory");
    this.#tree.put(
      path,
      directory ? "directory" : entry.type === "symlink" ? "symlink" : "other",
      entry.linkPath,
    );
    const add: LayerChange<E> = { kind: "add", path, entry, xattrs: harmless(entry), replaces };
    return directory && before === "whiteout" ? [add, { kind: "opaque", path }] : [add];
  }

  #link<E extends Entry>(entry: E, path: Path): LayerChange<E> {
    const target = this.#tree.resolveParent(cleanPath(entry.linkPath, this.#limits.depth));
    const found = this.#tree.get(target)?.kind;
    const shown = JSON.stringify(entry.linkPath);
    if (found === undefined || found === "whiteout")
      throw new PathError(`it is a hard link to ${shown}, which this layer doesn't have`);
    if (found === "directory") throw new PathError(`it is a hard link to the directory ${shown}`);
    if (path.every((component, depth) => component === target[depth]))
      throw new PathError("it is a hard link to itself or to what it replaces");
    const replaces = this.#tree.get(path) !== undefined;
    const link = this.#tree.get(target)?.target;
    this.#tree.put(path, found, link ?? "");
    return { kind: "link", path, target, replaces };
  }

  #whiteout(above: Path, name: string): LayerChange<never>[] {
    if (name === "" || name === "." || name === "..") throw new PathError("it is a whiteout of nothing");
    const { path, changes } = this.#parent(above);
    return [...changes, ...this.#hide([...path, name])];
  }

  /** Hides what is below, which never is what this layer itself has, whatever comes first in the archive. */
  #hide(path: Path): LayerChange<never>[] {
    const present = this.#tree.get(path)?.kind;
    if (present === "directory") return [{ kind: "opaque", path }];
    if (present !== undefined) return [];
    this.#tree.put(path, "whiteout");
    return [{ kind: "whiteout", path }];
  }

  #opaque(named: Path): LayerChange<never>[] {
    const { path, changes } = this.#parent(named);
    return [...changes, { kind: "opaque", path }];
  }

  /** Where the directory really is; what of it is missing is implied. */
  #parent(named: Path): { readonly path: Path; readonly changes: LayerChange<never>[] } {
    const path = this.#tree.resolve(named);
    const changes: LayerChange<never>[] = [];
    if (path.some((component) => component.startsWith(whiteoutPrefix)))
      throw new PathError("a directory has the name of a whiteout");
    if (this.#tree.get(path)?.kind === "directory") return { path, changes };
    if (path.length > this.#limits.depth) throw new PathError("the path is too deep");
    for (let depth = 1; depth <= path.length; depth++) {
      const part = path.slice(0, depth);
      const before = this.#tree.get(part)?.kind;
      if (before === "directory") continue;
      if (before !== undefined && before !== "whiteout")
        throw new PathError(`${JSON.stringify(part.join("/"))} is not a directory`);
      this.#tree.put(part, "directory");
      changes.push({ kind: "implied", path: part, replaces: before === "whiteout" });
      // An implied directory in the place of a whiteout takes the whiteout's effect over.
      if (before === "whiteout") changes.push({ kind: "opaque", path: part });
    }
    return { path, changes };
  }

  #bad(entry: Entry, reason: string, cause?: unknown): CaissonError {
    const name = JSON.stringify(entry.path.slice(0, 256));
    return failure("bad-archive", { what: `${this.#what}: entry ${name}`, reason }, cause);
  }
}

/** The changes of a layer's archive. The body of an entry is to be read before the next change is asked for. */
export async function* layerChanges<E extends Entry>(
  entries: AsyncIterable<E>,
  what?: string,
  limits?: LayerLimits,
): AsyncGenerator<LayerChange<E>, void, void> {
  const translator = new LayerTranslator(what, limits);
  for await (const entry of entries) yield* translator.translate(entry);
}

/**
 * The components of an archive's name: absolute ones are relative to the root, `.` and empty ones dropped, `..` taken
 * back the component before it. Throws {@link PathError} for one that leaves the root.
 */
function cleanPath(name: string, depth: number): Path {
  const components: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === "..") {
      if (components.pop() === undefined) throw new PathError("the path is outside of the root");
      continue;
    }
    if (component.includes("\0")) throw new PathError("the path has a NUL");
    if (component.length > longestComponent / 3 && encodeName(component).length > longestComponent)
      throw new PathError("a component of the path is longer than 255 bytes");
    components.push(component);
  }
  if (components.length > depth) throw new PathError("the path is too deep");
  return components;
}

/** What symlink(2) takes: not empty, shorter than PATH_MAX. */
function checkTarget(target: string): void {
  if (target === "") throw new PathError("it is a symbolic link to nothing");
  if (encodeName(target).length > 4095) throw new PathError("the target of the symbolic link is too long");
}

/** Attributes of the overlay file system would let a layer show files of other directories, or hide some. */
const overlayAttribute = /^(?:trusted|user)\.overlay\./;

function harmless({ xattrs }: Entry): ReadonlyMap<string, Uint8Array> {
  for (const name of xattrs.keys())
    if (overlayAttribute.test(name))
      return new Map([...xattrs].filter(([key]) => !overlayAttribute.test(key)));
  return xattrs;
}

/** The bytes of a path, as the kernel takes it: relative to the layer's root, `.` for the root itself. */
export function pathBytes(path: Path): Uint8Array {
  return encodeName(path.length === 0 ? "." : path.join("/"));
}

/** The path as a person reads it, with what isn't UTF-8 replaced. */
export function pathText(path: Path): string {
  return `/${path.join("/")}`.toWellFormed();
}
