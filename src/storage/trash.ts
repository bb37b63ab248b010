/**
 * Where removed things go: a rename frees the name at once, the deleting goes on in the background, one tree after the
 * other, in a process of its own. What a crash leaves is deleted at the next start.
 * @module
 */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  close,
  CWD,
  flags,
  int,
  O,
  open,
  ProgramBuilder,
  type Executor,
  type Outcome,
  type Program,
} from "../kernel/mod.ts";

/** Deleting keeps the disk busy: it waits until nothing was removed for so many milliseconds, */
const QUIET = 500;
/** but not longer than this, */
const PATIENCE = 5000;
/** nor when so many trees wait. */
const mostWaiting = 256;
/** How many trees one process deletes. */
const mostAtOnce = 64;

let counter = 0;

/** The folder of removed things. */
export class Trash {
  readonly #directory: string;
  readonly #executor: () => Executor;
  readonly #waiting = new Set<string>();
  #work: Promise<void> | undefined;

  constructor(directory: string, executor: () => Executor) {
    this.#directory = directory;
    this.#executor = executor;
  }

  /** Removes the file or directory at `path` from there; false if nothing was there. */
  async discard(path: string): Promise<boolean> {
    const b = new ProgramBuilder();
    const moved = this.take(b, path);
    return moved(await this.#executor().run(b.build(), { doing: `remove ${path}` }));
  }

  /**
   * Adds the removal of `path` from there to a program. Whoever runs it calls what is returned with the outcome: false
   * if nothing was there.
   */
  take(b: ProgramBuilder, path: string): (outcome: Outcome) => boolean {
    const name = `${basename(path)}-${Date.now().toString(36)}-${counter++}`;
    const noReplace = int(1, "RENAME_NOREPLACE");
    const moved = b.call(
      `move ${path} to the trash`,
      "renameat2",
      [CWD, path, CWD, join(this.#directory, name), noReplace],
      { tolerate: ["ENOENT"] },
    );
    return (outcome) => {
      if (outcome.valueOf(moved) !== 0) return false;
      this.#waiting.add(name);
      this.#begin();
      return true;
    };
  }

  /** Deletes what an earlier process left. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) this.#waiting.add(name);
    this.#begin();
  }

  /** Resolves when nothing is being deleted any more. */
  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  #begin(): void {
    if (this.#waiting.size === 0) return;
    this.#work ??= this.#empty().finally(() => {
      this.#work = undefined;
      // What came after the last look and before this.
      this.#begin();
    });
  }

  async #quiet(): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (let before = -1; before !== this.#waiting.size;) {
      if (this.#waiting.size >= mostWaiting || performance.now() >= end) return;
      before = this.#waiting.size;
      await new Promise((resolve) => setTimeout(resolve, QUIET));
    }
  }

  async #empty(): Promise<void> {
    await this.#quiet();
    while (this.#waiting.size > 0) {
      const names = [...this.#waiting].slice(0, mostAtOnce);
      for (const name of names) this.#waiting.delete(name);
      try {
        await this.#executor().fork(deleting(this.#directory, names), { doing: "empty the trash" });
      } catch {
        // Whatever stays is deleted at the next start; nobody waits for it.
        this.#waiting.clear();
        return;
      }
    }
  }
}

/** The program that deletes the trees `names` in `directory`. One that can't be deleted keeps no other from it. */
function deleting(directory: string, names: readonly string[]): Program {
  const b = new ProgramBuilder();
  const trash = b.slot("trash");
  open(b, "open the trash", CWD, directory, flags(O, "RDONLY", "DIRECTORY", "NOFOLLOW", "CLOEXEC"), trash);
  for (const name of names) b.composite(`delete ${name}`, "remove", [trash, name], { tolerate: "any" });
  close(b, trash);
  return b.build();
}
