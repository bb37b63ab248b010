/**
 * Small files of the kernel (cgroupfs, procfs) that are read again and again: kept open, so that each reading is one
 * system call, and made text of only if they say something else than the last time. They are made from the kernel's memory
 * when they are read, so nothing is waited for.
 * @module
 */
import { closeSync, openSync, readSync } from "node:fs";

/** So many are kept open by everybody together; who comes later opens and closes at each reading. */
const most = 12_000;
let held = 0;

/** So many readings a file that seldom changes isn't read after one. */
const goodFor = 4;

/** Room for the longest of them; shared, because what was read is compared or copied at once. */
let room = Buffer.allocUnsafe(64 << 10);

/** A file that may be read again and again. */
export interface KernelFile {
  /** The file's text, the same string as long as it says the same; undefined if it isn't there, or what it tells of is gone. */
  read(): string | undefined;
  /** The same for a file that seldom changes: what it said is good for a few readings. */
  readRarely(): string | undefined;
}

/** Files that are read together, for as long as somebody wants them. */
export class KernelFiles implements Disposable {
  readonly #files: KeptFile[] = [];

  /** The file at `path`, which is opened when it is read first. */
  file(path: string): KernelFile {
    const file = new KeptFile(path);
    this.#files.push(file);
    return file;
  }

  /** Closes all of them; they aren't read any more. */
  close(): void {
    for (const file of this.#files) file.close();
    this.#files.length = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

class KeptFile implements KernelFile {
  readonly #path: string;
  #absent = false;
  #descriptor: number | undefined;
  /** What it said last: its first `#length` bytes. */
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #text = "";
  /** What it said to who reads it rarely, and for how many readings that is still good. */
  #rare: string | undefined;
  #left = 0;

  constructor(path: string) {
    this.#path = path;
  }

  read(): string | undefined {
    if (this.#absent) return undefined;
    if (this.#descriptor !== undefined) return this.#take(this.#descriptor);
    const descriptor = tryOpen(this.#path);
    if (descriptor === undefined) {
      this.#absent = true;
      return undefined;
    }
    if (held < most) {
      this.#descriptor = descriptor;
      held++;
      return this.#take(descriptor);
    }
    try {
      return this.#take(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  readRarely(): string | undefined {
    if (this.#left > 0) {
      this.#left--;
      return this.#rare;
    }
    this.#rare = this.read();
    this.#left = goodFor;
    return this.#rare;
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
    held--;
  }

  #take(descriptor: number): string | undefined {
    const length = readWhole(descriptor);
    if (length < 0) return undefined;
    if (length === this.#length && room.compare(this.#bytes, 0, length, 0, length) === 0) return this.#text;
    if (this.#bytes.length < length) this.#bytes = Buffer.alloc(length);
    room.copy(this.#bytes, 0, 0, length);
    this.#length = length;
    this.#text = room.toString("latin1", 0, length);
    return this.#text;
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

/** Reads into `room`; how many bytes there are, −1 if it can't be read. Some files give no more than a page at once. */
function readWhole(descriptor: number): number {
  try {
    let length = 0;
    for (;;) {
      if (length === room.length) room = Buffer.concat([room], room.length * 2);
      const count = readSync(descriptor, room, length, room.length - length, length);
      length += count;
      // Whatever is shorter than a page less the longest line is the end of it.
      if (count === 0 || (length === count && count < 2048)) return length;
    }
  } catch {
    return -1;
  }
}
