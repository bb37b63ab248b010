/**
 * Reads a tree of files by descriptors, in a session: whoever writes to the tree meanwhile can't lead the reader out of
 * it.
 * @module
 */
import { decodeName, encodeName, pathText, type Path } from "../image/mod.ts";
import { bytes, ProgramBuilder, type Bytes, type Executor, type Program, type Slot } from "../kernel/mod.ts";
import { directoryForReading, openDirectory, type Way } from "./directories.ts";
import { addStat, parseStat, type Stat } from "./stat.ts";

/** A file in a directory. */
export interface Listed {
  readonly name: string;
  readonly stat: Stat;
}

/** Bytes of the first look at a directory, and of each further one. */
const firstRead = 32 << 10;
const furtherRead = 256 << 10;
/** Files that one program asks about. */
const mostStats = 512;

/** A program in a session whose first slots are these: the tree's root, and the directory being read. */
function inSession(fill: (b: ProgramBuilder, root: Slot, directory: Slot) => void): Program {
  const b = new ProgramBuilder();
  const root = b.slot("root");
  fill(b, root, b.slot("directory"));
  return b.build();
}

/** Reads directories below slot 0 of the session, by way of slot 1. */
export class TreeReader {
  readonly #session: Pick<Executor, "run">;
  readonly #way: Way;

  /** `way` is what may be between the tree's root and a directory. */
  constructor(session: Pick<Executor, "run">, way: Way = "layer") {
    this.#session = session;
    this.#way = way;
  }

  /** What is in the directory; nothing if it has gone. */
  async *list(path: Path): AsyncGenerator<Listed[], void, void> {
    const names = await this.names(path);
    for (let at = 0; at < names.length; at += mostStats)
      yield await this.#stats(names.slice(at, at + mostStats), path);
  }

  /** Names in the directory; none if it has gone. */
  async names(path: Path): Promise<string[]> {
    const names: string[] = [];
    let most = firstRead;
    for (let first = true; ; first = false, most = furtherRead) {
      const b = new ProgramBuilder();
      const root = b.slot("root");
      const directory = b.slot("directory");
      const tolerate = ["ENOENT", "ENOTDIR", "ELOOP", "EXDEV"] as const;
      if (first)
        openDirectory(b, root, path, directory, { how: directoryForReading, tolerate, way: this.#way });
      const reads = [most, 4096].map((size) => {
        const out = b.out(size);
        const label = `read the directory ${pathText(path)}`;
        // One that has just been removed has nothing in it.
        const options = { optional: true, tolerate: ["ENOENT"] } as const;
        return { out, read: b.call(label, "getdents64", [directory, out, size], options) };
      });
      const outcome = await this.#session.run(b.build());
      for (const { out, read } of reads) {
        const length = outcome.valueOf(read) ?? 0;
        if (length <= 0) return names;
        addNames(outcome.bytesOf(out).subarray(0, length), names);
      }
    }
  }

  async #stats(names: readonly string[], path: Path): Promise<Listed[]> {
    const calls: ReturnType<typeof addStat>[] = [];
    const program = inSession((b, _root, directory) => {
      for (const name of names)
        calls.push(addStat(b, `look at ${name} in ${pathText(path)}`, directory, argumentOf(name)));
    });
    const outcome = await this.#session.run(program);
    const listed: Listed[] = [];
    calls.forEach(({ result, out }, index) => {
      const name = names[index];
      if (outcome.valueOf(result) === 0 && name !== undefined)
        listed.push({ name, stat: parseStat(outcome.bytesOf(out)) });
    });
    return listed;
  }
}

function argumentOf(name: string): string | Bytes {
  return name.isWellFormed() ? name : bytes(encodeName(name), JSON.stringify(name.toWellFormed()));
}

/** Takes the names out of what getdents64(2) wrote. */
function addNames(content: Uint8Array, names: string[]): void {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 0; at < content.length;) {
    const length = view.getUint16(at + 16, true);
    const field = content.subarray(at + 19, at + length);
    const name = decodeName(field.subarray(0, field.indexOf(0)));
    if (name !== "." && name !== "..") names.push(name);
    at += length;
  }
}
