/**
 * Extracts what came out of a container to this host, as the user who asked: no owners, no set-user-ID of others. Nothing
 * is written through a link, whoever made it: in the archive, or before.
 * @module
 */
import { encodeName, type TarEntry } from "../../image/tar/mod.ts";
import { fs } from "../builtins.ts";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";

/** Extracts the entries in the directory, which is there. @throws command-failed in docker's words */
export async function extractLocally(entries: AsyncIterable<TarEntry>, directory: string): Promise<void> {
  const extraction = new Extraction(directory);
  for await (const entry of entries) await extraction.add(entry);
  extraction.finish();
}

class Extraction {
  readonly #directory: string;
  /** Directories that have been looked at. */
  readonly #known = new Set<string>();
  readonly #times: { readonly path: Buffer; readonly seconds: number }[] = [];

  constructor(directory: string) {
    this.#directory = directory.replace(/(.)\/+$/, "$1");
  }

  async add(entry: TarEntry): Promise<void> {
    const components = clean(entry.path);
    const name = components.join("/");
    if (name === "") {
      if (entry.type === "directory") return;
      throw commandFailed(`invalid entry name ${JSON.stringify(entry.path)}`);
    }
    this.#enter(components.slice(0, -1));
    const path = this.#at(components);
    const there = fs().lstatSync(path, { throwIfNoEntry: false });
    const isDirectory = entry.type === "directory";
    if (there?.isDirectory() === true && !isDirectory)
      throw commandFailed(
        `cannot overwrite directory ${shown(name)} with non-directory ${shown(this.#directory)}`,
      );
    if (there !== undefined && !there.isDirectory() && isDirectory)
      throw commandFailed(
        `cannot overwrite non-directory ${shown(name)} with directory ${shown(this.#directory)}`,
      );
    try {
      if (there !== undefined && !isDirectory) fs().unlinkSync(path);
      await this.#make(entry, path, there !== undefined);
    } catch (error) {
      throw commandFailed(fileProblem("extract", path.toString("utf8"), error), error);
    }
  }

  /** Sets the times of directories, which making something in them has changed. */
  finish(): void {
    for (const { path, seconds } of this.#times.reverse()) fs().utimesSync(path, seconds, seconds);
  }

  async #make(entry: TarEntry, path: Buffer, there: boolean): Promise<void> {
    const seconds = entry.mtime.sec;
    switch (entry.type) {
      case "directory":
        if (!there) fs().mkdirSync(path);
        fs().chmodSync(path, entry.mode);
        this.#times.push({ path, seconds });
        return;
      case "symlink":
        fs().symlinkSync(Buffer.from(encodeName(entry.linkPath)), path);
        fs().lutimesSync(path, seconds, seconds);
        return;
      case "hardlink": {
        const target = clean(entry.linkPath);
        this.#enter(target.slice(0, -1));
        fs().linkSync(this.#at(target), path);
        return;
      }
      case "file":
        await writeFile(entry, path);
        break;
      default:
        await makeNode(entry, path);
    }
    fs().chmodSync(path, entry.mode);
    fs().utimesSync(path, seconds, seconds);
  }

  /** Makes sure that the directory is there, and that no part of it is a link. */
  #enter(components: readonly string[]): void {
    for (let depth = 1; depth <= components.length; depth++) {
      const part = components.slice(0, depth);
      const key = part.join("/");
      if (this.#known.has(key)) continue;
      const path = this.#at(part);
      const stat = fs().lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined) fs().mkdirSync(path);
      else if (!stat.isDirectory()) throw commandFailed(`extract ${path.toString("utf8")}: not a directory`);
      this.#known.add(key);
    }
  }

  #at(components: readonly string[]): Buffer {
    return Buffer.from(encodeName([this.#directory === "/" ? "" : this.#directory, ...components].join("/")));
  }
}

async function writeFile(entry: TarEntry, path: Buffer): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs().constants;
  const fd = fs().openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, entry.mode & 0o777);
  try {
    const runs = entry.sparse ?? [{ offset: 0, length: entry.storedSize }];
    let index = 0;
    let done = 0;
    for await (const chunk of entry.body)
      for (let at = 0; at < chunk.length;) {
        const run = runs[index];
        if (run === undefined) return;
        const length = Math.min(chunk.length - at, run.length - done);
        at += fs().writeSync(fd, chunk, at, length, run.offset + done);
        done += length;
        if (done < run.length) continue;
        index++;
        done = 0;
      }
    if (entry.sparse !== undefined) fs().ftruncateSync(fd, entry.size);
  } finally {
    fs().closeSync(fd);
  }
}

/** A device or a fifo, which this runtime has no call for. */
async function makeNode({ type, major, minor }: TarEntry, path: Buffer): Promise<void> {
  const { spawnSync } = await import("node:child_process");
  const kind = type === "char" ? "c" : type === "block" ? "b" : "p";
  const numbers = type === "fifo" ? [] : [String(major), String(minor)];
  const { status, stderr } = spawnSync("mknod", [path.toString("utf8"), kind, ...numbers], {
    encoding: "utf8",
  });
  if (status !== 0) throw commandFailed(stderr.trim() || "mknod can't be run");
}

function clean(name: string): readonly string[] {
  const components: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") components.push(component);
    else if (components.pop() === undefined)
      throw commandFailed(`invalid entry name ${JSON.stringify(name)}`);
  }
  return components;
}

function shown(text: string): string {
  return JSON.stringify(text);
}
