/**
 * What a container changed in its image's root, read from the overlay's upper directory: whiteouts and opaque directories
 * are what is gone (kernel: Documentation/filesystems/overlayfs.rst). What counts as a change is as in Docker: of a
 * directory its owner, its mode, and what is in it; of all else its size and its time too.
 * Source: moby's go-archive, changes.go.
 * @module
 */
import type { Path } from "../image/mod.ts";
import { CWD, flags, O, open, ProgramBuilder, type Executor } from "../kernel/mod.ts";
import { nameArgument } from "./attributes.ts";
import { capabilityInside } from "./capability.ts";
import { directoryForReading, openDirectory } from "./directories.ts";
import { isInitial } from "./initial-files.ts";
import { makeMergedRoot } from "./merged-root.ts";
import { isDirectory, isRegular, typeMask, type Stat } from "./stat.ts";
import { TreeReader, type Listed } from "./tree-reader.ts";
import type { OverlayPlan } from "./types.ts";

/** One path that was changed; numbers as in Docker's API. */
export interface FileChange {
  readonly path: Path;
  readonly kind: typeof modified | typeof added | typeof deleted;
}

export const modified = 0;
export const added = 1;
export const deleted = 2;

/** Bytes of the longest `security.capability`. */
const longestCapability = 64;

/** What looking for changes works with. */
export interface ChangesOptions {
  /** Two sessions of their own. */
  readonly upper: Pick<Executor, "run">;
  readonly image: Pick<Executor, "run">;
  /** First id of the container's range; 0 if its ids are the host's. */
  readonly firstId: number;
}

/** Whether it is a whiteout: what a lower layer has there is gone. */
export function isWhiteout({ mode, major, minor }: Stat): boolean {
  return (mode & typeMask) === 0o020000 && major === 0 && minor === 0;
}

/** The changes of the container below `plan`, depth first, in the order of their names. Neither session is of use after. */
export async function overlayChanges(plan: OverlayPlan, options: ChangesOptions): Promise<FileChange[]> {
  const top = new ProgramBuilder();
  open(top, "open what the container wrote", CWD, plan.upper, directoryForReading, top.slot("root"));
  await options.upper.run(top.build());
  const below = new ProgramBuilder();
  const root = below.slot("root");
  const merged = below.slot("image");
  makeMergedRoot(below, plan, below.slot("file system"), merged, true);
  open(below, "open the image's root", merged, ".", directoryForReading, root);
  await options.image.run(below.build());
  return await new Comparison(options).directory([], true);
}

/** Whether the directory that a tree reader has just listed in the session hides all that is below it. */
export async function isOpaque(session: Pick<Executor, "run">): Promise<boolean> {
  const b = new ProgramBuilder();
  b.slot("root");
  const args = [b.slot("directory"), "trusted.overlay.opaque", b.out(8), 8] as const;
  const result = b.call("is it opaque?", "fgetxattr", args, { optional: true, tolerate: "any" });
  return ((await session.run(b.build())).valueOf(result) ?? -1) > 0;
}

class Comparison {
  readonly #upper: TreeReader;
  readonly #image: TreeReader;
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#upper = new TreeReader(options.upper);
    this.#image = new TreeReader(options.image);
  }

  /** Changes in a directory that the container wrote to; `inImage` is whether the image has one there. */
  async directory(path: Path, inImage: boolean): Promise<FileChange[]> {
    const own = await listed(this.#upper, path);
    const opaque = inImage && (await isOpaque(this.#options.upper));
    const old = new Map(
      inImage ? (await listed(this.#image, path)).map(({ name, stat }) => [name, stat]) : [],
    );
    const changes: FileChange[] = [];
    for (const { name, stat } of own) {
      changes.push(...(await this.#file([...path, name], stat, old.get(name))));
      old.delete(name);
    }
    if (opaque) for (const name of old.keys()) changes.push({ path: [...path, name], kind: deleted });
    return changes;
  }

  async #file(path: Path, stat: Stat, old: Stat | undefined): Promise<FileChange[]> {
    if (isWhiteout(stat)) return old === undefined ? [] : [{ path, kind: deleted }];
    if (!isDirectory(stat) && isInitial(path, stat)) return [];
    const inImage = old !== undefined && isDirectory(old);
    const below = isDirectory(stat) ? await this.directory(path, inImage) : [];
    if (old === undefined && !isInitial(path, stat)) return [{ path, kind: added }, ...below];
    const differs =
      below.length > 0 ||
      (old !== undefined && (this.#differs(old, stat) || (await this.#capabilityDiffers(path, stat))));
    return differs ? [{ path, kind: modified }, ...below] : below;
  }

  #differs(old: Stat, stat: Stat): boolean {
    const { firstId } = this.#options;
    if (old.mode !== stat.mode || old.uid + firstId !== stat.uid || old.gid + firstId !== stat.gid)
      return true;
    if (old.major !== stat.major || old.minor !== stat.minor) return true;
    return !isDirectory(stat) && (old.size !== stat.size || !sameTime(old.mtime, stat.mtime));
  }

  /** Of a file that is copied as it was in all else, as by setcap(8). */
  async #capabilityDiffers(path: Path, stat: Stat): Promise<boolean> {
    if (!isRegular(stat)) return false;
    const { upper, image, firstId } = this.#options;
    return (await capabilityOf(upper, path, firstId)) !== (await capabilityOf(image, path, firstId));
  }
}

/** The capability of the file at the path, as it is inside. */
async function capabilityOf(session: Pick<Executor, "run">, path: Path, firstId: number): Promise<string> {
  const b = new ProgramBuilder();
  const root = b.slot("root");
  const directory = b.slot("directory");
  const file = b.slot("file");
  const gone = ["ENOENT", "ENOTDIR", "ELOOP"] as const;
  openDirectory(b, root, path.slice(0, -1), directory, { tolerate: gone });
  const reading = flags(O, "RDONLY", "NONBLOCK", "NOCTTY", "NOFOLLOW", "CLOEXEC");
  const args = [directory, nameArgument(path.at(-1) ?? ""), reading];
  b.call("open it", "openat", args, { into: file, optional: true, tolerate: "any" });
  const out = b.out(longestCapability);
  const get = [file, "security.capability", out, longestCapability];
  const result = b.call("has it a capability?", "fgetxattr", get, { optional: true, tolerate: "any" });
  const outcome = await session.run(b.build());
  const length = outcome.valueOf(result) ?? -1;
  if (length <= 0) return "";
  return Buffer.from(capabilityInside(outcome.bytesOf(out).slice(0, length), firstId)).toString("hex");
}

async function listed(reader: TreeReader, path: Path): Promise<Listed[]> {
  const files: Listed[] = [];
  for await (const some of reader.list(path)) files.push(...some);
  return files.toSorted((a, b) => Number(a.name > b.name) - Number(a.name < b.name));
}

/** Some file systems, and archives, know whole seconds only. */
function sameTime(a: Stat["mtime"], b: Stat["mtime"]): boolean {
  return a.sec === b.sec && (a.nsec === b.nsec || a.nsec === 0 || b.nsec === 0);
}
