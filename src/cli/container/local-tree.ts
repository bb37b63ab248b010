/**
 * Files of this host as entries of an archive. Links are taken as links; sockets are left out.
 * @module
 */
import type { BigIntStats } from "node:fs";
import { decodeName, type EntryInput } from "../../image/tar/mod.ts";
import { fs } from "../builtins.ts";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";

const pieceSize = 256 << 10;
const zeros = new Uint8Array(64 << 10);
const types: Readonly<Record<number, EntryInput["type"]>> = {
  0o100000: "file",
  0o040000: "directory",
  0o120000: "symlink",
  0o020000: "char",
  0o060000: "block",
  0o010000: "fifo",
};

/** The file or the tree at `root`, called `name` in the archive. @throws command-failed for what can't be read */
export async function* localEntries(root: string, name: string): AsyncGenerator<EntryInput, void, void> {
  yield* new LocalTree().walk(Buffer.from(root), name);
}

class LocalTree {
  readonly #links = new Map<string, string>();

  async *walk(path: Buffer, name: string): AsyncGenerator<EntryInput, void, void> {
    const stat = attempt("lstat", path, () => fs().lstatSync(path, { bigint: true }));
    const type = types[Number(stat.mode) & 0o170000];
    if (type === undefined) return;
    const entry = entryOf(type, name, stat);
    if (type === "directory") {
      yield entry;
      const names = attempt("open", path, () => fs().readdirSync(path, { encoding: "buffer" }));
      names.sort((a, b) => Buffer.compare(a, b));
      for (const child of names)
        yield* this.walk(Buffer.concat([path, Buffer.from("/"), child]), `${name}/${decodeName(child)}`);
      return;
    }
    const identity = `${stat.dev}:${stat.ino}`;
    const known = stat.nlink > 1n ? this.#links.get(identity) : undefined;
    if (known !== undefined) {
      yield { ...entry, type: "hardlink", linkPath: known };
      return;
    }
    this.#links.set(identity, name);
    if (type === "symlink") {
      const target = attempt("readlink", path, () => fs().readlinkSync(path, { encoding: "buffer" }));
      yield { ...entry, linkPath: decodeName(target) };
      return;
    }
    yield type === "file"
      ? { ...entry, size: Number(stat.size), body: content(path, Number(stat.size)) }
      : entry;
  }
}

function entryOf(type: EntryInput["type"], path: string, stat: BigIntStats): EntryInput {
  const device = type === "char" || type === "block";
  const number = Number(stat.rdev);
  return {
    type,
    path,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: { sec: wholeSeconds(stat.mtimeNs), nsec: 0 },
    ...(device
      ? { major: (number >>> 8) & 0xfff, minor: (number & 0xff) | ((number >>> 12) & 0xfff00) }
      : {}),
  };
}

/** Rounded down, as it is 1969 for negative ones. */
function wholeSeconds(nanoseconds: bigint): number {
  const second = 1_000_000_000n;
  const rest = ((nanoseconds % second) + second) % second;
  return Number((nanoseconds - rest) / second);
}

/** So many bytes of the file: what it has lost meanwhile is zeros, as in GNU tar. */
async function* content(path: Buffer, size: number): AsyncGenerator<Uint8Array, void, void> {
  if (size === 0) return;
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs().constants;
  const fd = attempt("open", path, () => fs().openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  try {
    let left = size;
    while (left > 0) {
      const buffer = new Uint8Array(Math.min(pieceSize, left));
      const count = fs().readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) break;
      left -= count;
      yield buffer.subarray(0, count);
    }
    for (; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length));
  } finally {
    fs().closeSync(fd);
  }
}

function attempt<T>(doing: string, path: Buffer, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw commandFailed(fileProblem(doing, path.toString("utf8"), error), error);
  }
}
