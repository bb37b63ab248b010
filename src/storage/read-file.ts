/**
 * Reads single files of containers, such as /etc/passwd, whether they run or not. What an image says is remembered: a
 * layer never changes. What a container wrote is looked for each time.
 * @module
 */
import { lstatSync } from "node:fs";
import { failure } from "../errors/mod.ts";
import {
  CWD,
  descriptorPath,
  errnoNumbers,
  flags,
  int,
  KernelError,
  O,
  open,
  openResolved,
  ProgramBuilder,
  RESOLVE,
  S,
  type Executor,
  type Out,
} from "../kernel/mod.ts";
import { makeMergedRoot } from "./merged-root.ts";
import { addStat, isDirectory, isRegular, parseStat, typeMask } from "./stat.ts";
import type { OverlayPlan, RootPlan } from "./types.ts";

/** Bytes that are read at once; most files that are asked for have fewer. */
const firstRead = 64 << 10;
/** What a program's output has room for. */
const mostBytes = (16 << 20) - 4096;
/** Files of images that are remembered, each of at most {@link firstRead} bytes. */
const mostRemembered = 256;
/** Milliseconds that one read may take. */
const deadline = 10_000;

/** What a read came to. */
type Found =
  | { readonly kind: "file"; readonly content: Uint8Array }
  | { readonly kind: "large"; readonly size: number }
  | { readonly kind: "missing" }
  | { readonly kind: "link" };

/** Whose files are read: all as the container sees them; or only its own, or only the image's, if no link is on the way. */
type From = "merged" | "container" | "image";

/** Reads files through read-only mounts of its own. */
export class FileReader {
  readonly #executor: () => Executor;
  /** By the topmost layer and the path; the least recently used first. */
  readonly #remembered = new Map<string, Found>();

  constructor(executor: () => Executor) {
    this.#executor = executor;
  }

  /**
   * The regular file at `path`; undefined if there is none. Links are followed inside of the root. Throws
   * `invalid-parameter` for what isn't a regular file, and for one of more than `limit` bytes.
   */
  async read(plan: RootPlan, path: string, limit: number): Promise<Uint8Array | undefined> {
    const most = Math.min(limit, mostBytes);
    const components = path.split("/").filter((component) => component !== "" && component !== ".");
    let found = await this.#shortcut(plan, components, path);
    found ??= await this.#read(plan, path, "merged", Math.min(firstRead, most));
    if (found.kind === "large" && found.size <= most)
      found = await this.#read(plan, path, "merged", found.size);
    if (found.kind === "large" || (found.kind === "file" && found.content.length > most))
      throw failure("invalid-parameter", {
        message: `${path} in the container is larger than ${most} bytes`,
      });
    return found.kind === "file" ? found.content : undefined;
  }

  /** What is there, if that can be told without putting the root together; links are not followed here. */
  async #shortcut(plan: RootPlan, components: readonly string[], path: string): Promise<Found | undefined> {
    if (plan.kind !== "overlay" || components.length === 0 || components.includes("..")) return undefined;
    const written = await this.#written(plan, components);
    const found =
      written === "no"
        ? await this.#ofImage(plan, components, path)
        : written === "file"
          ? await this.#read(plan, path, "container", firstRead)
          : undefined;
    // What the container had a moment ago may have gone, and the image's be seen again.
    return found?.kind === "link" || (written === "file" && found?.kind === "missing") ? undefined : found;
  }

  /** What the image has there, as remembered. */
  async #ofImage(plan: OverlayPlan, components: readonly string[], path: string): Promise<Found> {
    const key = `${plan.lower[0]}\0${components.join("/")}`;
    const found = this.#remembered.get(key) ?? (await this.#read(plan, path, "image", firstRead));
    this.#remembered.delete(key);
    this.#remembered.set(key, found);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > mostRemembered && oldest !== undefined) this.#remembered.delete(oldest);
    return found;
  }

  /** Whether the container wrote a regular file at the path, or nothing that matters to it, or else. */
  async #written({ upper }: OverlayPlan, components: readonly string[]): Promise<"no" | "file" | "else"> {
    // Most containers have written nothing there; what isn't there can't lead elsewhere.
    if (lstatSync(`${upper}/${components[0]}`, { throwIfNoEntry: false }) === undefined) return "no";
    const b = new ProgramBuilder();
    const looks = components.map((_, index) => {
      const path = `${upper}/${components.slice(0, index + 1).join("/")}`;
      const args = [path, "trusted.overlay.opaque", b.out(1), 1];
      return {
        ...addStat(b, `look at ${path}`, CWD, path),
        opaque: b.call(`is ${path} opaque?`, "lgetxattr", args, { tolerate: "any" }),
      };
    });
    const outcome = await this.#executor().run(b.build());
    let hidden = false;
    for (const { result, out, opaque } of looks) {
      const value = outcome.valueOf(result);
      if (value === -errnoNumbers.ENOENT && !hidden) return "no";
      if (value !== 0) return "else";
      const stat = parseStat(outcome.bytesOf(out));
      if (result === looks.at(-1)?.result && isRegular(stat)) return "file";
      if (!isDirectory(stat)) return "else";
      hidden ||= outcome.valueOf(opaque) !== -errnoNumbers.ENODATA;
    }
    return "else";
  }

  async #read(plan: RootPlan, path: string, from: From, room: number): Promise<Found> {
    const b = new ProgramBuilder();
    const context = b.slot("file system");
    const root = b.slot("root");
    const file = b.slot("file");
    if (from === "container" && plan.kind === "overlay")
      open(b, "open what it wrote", CWD, plan.upper, flags(O, "PATH", "DIRECTORY", "CLOEXEC"), root);
    else makeMergedRoot(b, plan, context, root, from === "image");
    const links = from === "merged" ? "NO_MAGICLINKS" : "NO_SYMLINKS";
    const resolve = flags(RESOLVE, "IN_ROOT", links);
    const tolerate = ["ENOENT", "ENOTDIR", "ELOOP"] as const;
    // By O_PATH nothing happens to a fifo or a device.
    const how = flags(O, "PATH", "CLOEXEC");
    const opened = openResolved(b, `look for ${path}`, root, path, how, resolve, file, { tolerate });
    const content = b.out(room + 1);
    let stat: Out | undefined;
    let read = opened;
    b.skipIf("is it missing?", opened, "<0", 0, () => {
      stat = addStat(b, `look at ${path}`, file, "").out;
      const type: Out = { kind: "out", offset: stat.offset + 0x1c, size: 2 };
      const regular = int(S.values.IFREG, "S_IFREG");
      const mask = int(typeMask, "S_IFMT");
      b.composite(`is ${path} a regular file?`, "compare", [type, mask, regular, errnoNumbers.EINVAL]);
      read = b.composite(`read ${path}`, "read", [CWD, descriptorPath(file), content, 0]);
    });
    try {
      const outcome = await this.#executor().fork(b.build(), {
        doing: `read ${path} of a container`,
        deadline,
      });
      const error = outcome.valueOf(opened) ?? 0;
      if (error < 0) return { kind: error === -errnoNumbers.ELOOP && from !== "merged" ? "link" : "missing" };
      const length = outcome.valueOf(read) ?? 0;
      if (length <= room) return { kind: "file", content: outcome.bytesOf(content).slice(0, length) };
      return { kind: "large", size: stat === undefined ? Infinity : parseStat(outcome.bytesOf(stat)).size };
    } catch (error) {
      if (!(error instanceof KernelError) || error.operation?.call !== "compare") throw error;
      throw failure(
        "invalid-parameter",
        { message: `${path} in the container is not a regular file` },
        error,
      );
    }
  }
}
