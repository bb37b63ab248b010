/**
 * Small files of the kernel (cgroupfs, procfs) that are read again and again: kept open, so that each reading is one
 * system call. They are made from the kernel's memory when they are read, so nothing is waited for.
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";

/** So many are kept open by everybody together; who comes later opens and closes at each reading. */
const most = 12_000;
let held = 0;

/** So many readings a file that seldom changes isn't read after one. */
const goodFor = 4;

/** Room for the longest of them; shared, because what was read becomes text at once. */
let room = Buffer.allocUnsafe(64 << 10);

/** Files that are read together, for as long as somebody wants them. */
export class KernelFiles implements Disposable {
  /** By path; undefined: it isn't there. */
  readonly #open = new Map<string, number | undefined>();
  readonly #remembered = new Map<string, { readonly text: string | undefined; left: number }>();

  /** The file's text; undefined if it isn't there, or what it tells of is gone. */
  read(path: string): string | undefined {
    if (!this.#open.has(path) && held >= most) return this.#once(path);
    let descriptor = this.#open.get(path);
    if (descriptor === undefined) {
      if (this.#open.has(path)) return undefined;
      descriptor = tryOpen(path);
      this.#open.set(path, descriptor);
      if (descriptor === undefined) return undefined;
      held++;
    }
    return readWhole(descriptor);
  }

  /** The same for a file that seldom changes: what it said is good for a few readings. */
  readRarely(path: string): string | undefined {
    const known = this.#remembered.get(path);
    if (known !== undefined && known.left > 0) {
      known.left -= 1;
      return known.text;
    }
    const text = this.read(path);
    this.#remembered.set(path, { text, left: goodFor });
    return text;
  }

  /** Closes them; what is read afterwards is opened anew. */
  close(): void {
    for (const descriptor of this.#open.values()) {
      if (descriptor === undefined) continue;
      closeSync(descriptor);
      held--;
    }
    this.#open.clear();
    this.#remembered.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #once(path: string): string | undefined {
    const descriptor = tryOpen(path);
    if (descriptor === undefined) return undefined;
    try {
      return readWhole(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

/** Some of them give no more than a page at once. */
function readWhole(descriptor: number): string | undefined {
  try {
    let length = 0;
    for (;;) {
      if (length === room.length) room = Buffer.concat([room], room.length * 2);
      const count = readSync(descriptor, room, length, room.length - length, length);
      length += count;
      // Whatever is shorter than a page less the longest line is the end of it.
      if (count === 0 || (length === count && count < 2048)) return room.toString("latin1", 0, length);
    }
  } catch {
    return undefined;
  }
}
