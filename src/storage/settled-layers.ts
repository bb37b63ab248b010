/**
 * Which unpacked layers the disk has for certain. Nobody waits for the disk when a layer is unpacked; a moment later the
 * whole file system is written out, and the layers get a mark. A layer without one is believed for as long as the machine
 * runs that unpacked it: after a power loss files of it may be empty, so it is unpacked again from its blob.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { close, CWD, flags, O, open, ProgramBuilder, type Executor, type Program } from "../kernel/mod.ts";

/** Milliseconds after a layer was unpacked until the disk is told to take it: mostly others follow. */
const QUIET = 2000;
/** In a layer's folder: the disk has all of it. */
const mark = "settled";

/** What tells one run of the machine from the next; empty where the kernel doesn't say. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** The marks of the layers in one folder. */
export class SettledLayers {
  readonly boot: string = bootId();
  readonly #directory: string;
  readonly #session: () => Executor;
  #waiting = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string, session: () => Executor) {
    this.#directory = directory;
    this.#session = session;
  }

  /** A layer's folder is there: it gets its mark in a while. */
  add(name: string): void {
    this.#waiting.add(name);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // What fails is tried again with the next layer, or by the next engine.
      void this.settle().catch(() => undefined);
    }, QUIET).unref();
  }

  /** Has the disk take what waits, and marks it. */
  async settle(): Promise<void> {
    const names = this.#waiting;
    this.#waiting = new Set();
    if (names.size === 0) return;
    const session = this.#session();
    try {
      await session.run(syncing(this.#directory), { doing: "write unpacked layers to the disk" });
      // One that was removed meanwhile needs none.
      for (const name of names)
        await writeFile(join(this.#directory, name, mark), "", { mode: 0o600 }).catch(() => undefined);
    } catch (error) {
      for (const name of names) this.#waiting.add(name);
      throw error;
    } finally {
      session.close();
    }
  }

  /** Whether all of a layer is there that was unpacked earlier. One that this machine still has in memory is marked soon. */
  async isWhole(name: string): Promise<boolean> {
    const folder = join(this.#directory, name);
    if (existsSync(join(folder, mark))) return true;
    try {
      const { boot } = JSON.parse(await readFile(join(folder, "layer.json"), "utf8")) as { boot?: unknown };
      if (boot !== this.boot) return false;
    } catch {
      return false;
    }
    this.add(name);
    return true;
  }
}

/** The program that writes out the file system that a directory is on. */
function syncing(directory: string): Program {
  const b = new ProgramBuilder();
  const folder = b.slot("layers");
  open(b, "open the folder of layers", CWD, directory, flags(O, "RDONLY", "DIRECTORY", "CLOEXEC"), folder);
  b.call("have the disk take what was unpacked", "syncfs", [folder]);
  close(b, folder);
  return b.build();
}
