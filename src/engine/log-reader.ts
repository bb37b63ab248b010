/**
 * Reads a container's log: from its end backwards for a tail, across rotations, and on while it is written.
 * @module
 */
import { watch, type FSWatcher } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import type { LogOptions } from "./engine.ts";
import { closeFiles, currentInode, openLogFiles, type LogFile } from "./log-files.ts";
import { LogFormatter, type LogFormat } from "./log-format.ts";
import { findTail } from "./log-tail.ts";
import { now } from "./time.ts";

/** A container that still writes. */
export interface LiveLog {
  /** Resolves when the container is done and its log is complete. */
  readonly ended: Promise<void>;
}

const blockSize = 256 * 1024;
/** The shim's records are 100 KiB at most; a line that is longer than this isn't one. */
const longestLine = 4 * 1024 * 1024;
/** Notifications of changes can fail; the file is looked at this often anyway. */
const pollMilliseconds = 500;
/** The clock of a file's times is behind by a tick. */
const clockMargin = 1_000_000_000n;
const lineFeed = 0x0a;

/**
 * The log at `path` as a client asked for it: frames of 8 bytes and payload, or raw with `tty`. `live` is undefined if
 * the container doesn't run: then `follow` ends with the log. Lines that are no records are told to `onCorrupt` and left
 * out. Destroying the stream stops everything.
 */
export function readLogs(
  path: string,
  options: LogOptions & LogFormat,
  live: LiveLog | undefined,
  onCorrupt: (line: string) => void = () => undefined,
): Readable {
  const stop = new AbortController();
  const chunks = new LogReader(path, options, live, onCorrupt, stop.signal).chunks();
  return new Readable({
    highWaterMark: 64 * 1024,
    read() {
      chunks.next().then(
        ({ value, done }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error instanceof Error ? error : undefined),
      );
    },
    destroy(error, callback) {
      stop.abort();
      // What is under way ends first, then the files are closed.
      chunks.return(undefined).then(
        () => callback(error),
        () => callback(error),
      );
    },
  });
}

class LogReader {
  readonly #path: string;
  readonly #options: LogOptions;
  readonly #live: LiveLog | undefined;
  readonly #onCorrupt: (line: string) => void;
  readonly #formatter: LogFormatter;
  readonly #stop: AbortSignal;
  #block: Buffer = Buffer.alloc(0);
  /** Bytes of a line without its end, at the beginning of the block. */
  #carried = 0;
  /** The rest of a line that is too long to be a record is left out. */
  #skipping = false;
  #finished = false;
  readonly #open = new Set<LogFile>();

  constructor(
    path: string,
    options: LogOptions & LogFormat,
    live: LiveLog | undefined,
    onCorrupt: (line: string) => void,
    stop: AbortSignal,
  ) {
    this.#path = path;
    this.#options = options;
    this.#live = live;
    this.#onCorrupt = onCorrupt;
    this.#formatter = new LogFormatter(options, onCorrupt);
    this.#stop = stop;
  }

  async *chunks(): AsyncGenerator<Buffer, void> {
    const { tail, follow } = this.#options;
    const following = follow && this.#live !== undefined;
    if (tail === 0 && !following) return;
    const files = await openLogFiles(this.#path);
    for (const file of files) this.#open.add(file);
    try {
      const { first, offset } = await this.#begin(files);
      for (const file of files.slice(0, first)) await this.#close(file);
      for (let i = first; i < files.length && !this.#over(); i++) {
        const file = files[i];
        if (file === undefined) break;
        const last = i === files.length - 1;
        const start = i === first ? offset : 0;
        if (!last || !following) yield* this.#read(file.handle, start, last ? file.size : Infinity);
        else yield* this.#follow(file, start);
        this.#endFile(last && this.#live !== undefined);
        await this.#close(file);
      }
      if (files.length === 0 && following) yield* this.#follow(undefined, 0);
    } finally {
      await closeFiles([...this.#open]);
    }
  }

  /** Whoever follows for long must not keep the room of files that were removed. */
  async #close(file: LogFile): Promise<void> {
    if (this.#open.delete(file)) await file.handle.close();
  }

  #over(): boolean {
    return this.#finished || this.#stop.aborted;
  }

  /** Which file to begin with, and where. */
  async #begin(files: readonly LogFile[]): Promise<{ first: number; offset: number }> {
    const { tail, since } = this.#options;
    if (tail === undefined) {
      // Files that were finished before `since` need not be read.
      const first = since === undefined ? 0 : files.findIndex((f) => f.modified + clockMargin >= since);
      return { first: first < 0 ? Math.max(0, files.length - 1) : first, offset: 0 };
    }
    let missing = tail;
    for (let i = files.length - 1; i >= 0; i--) {
      const file = files[i];
      if (file === undefined) break;
      const found = await findTail(file.handle, file.size, missing);
      if (found.missing === 0) return { first: i, offset: found.offset };
      missing = found.missing;
    }
    return { first: 0, offset: 0 };
  }

  /** Reads a file from `position` to `limit` or to its end; returns where that is. */
  async *#read(handle: FileHandle, position: number, limit: number): AsyncGenerator<Buffer, number> {
    let at = position;
    while (!this.#over()) {
      this.#makeRoom();
      const room = Math.min(this.#block.length - this.#carried, limit - at);
      const { bytesRead } = await handle.read(this.#block, this.#carried, room, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      this.#take(this.#carried + bytesRead);
      yield* this.#formatter.take();
    }
    return at;
  }

  #makeRoom(): void {
    const size = this.#block.length === 0 ? blockSize : this.#block.length;
    if (this.#block.length === 0) this.#block = Buffer.allocUnsafe(size);
    if (this.#carried < size) return;
    if (size >= longestLine) {
      this.#onCorrupt(this.#block.toString("utf8", 0, 200));
      this.#carried = 0;
      this.#skipping = true;
      return;
    }
    const larger = Buffer.allocUnsafe(size * 2);
    this.#block.copy(larger, 0, 0, this.#carried);
    this.#block = larger;
  }

  /** Formats the lines among the first `filled` bytes of the block and carries the rest to its beginning. */
  #take(filled: number): void {
    const block = this.#block;
    let start = 0;
    if (this.#skipping) {
      start = block.subarray(0, filled).indexOf(lineFeed) + 1;
      if (start === 0) {
        this.#carried = 0;
        return;
      }
      this.#skipping = false;
    }
    const end = block.subarray(0, filled).lastIndexOf(lineFeed) + 1;
    if (end > start && !this.#formatter.add(block, start, end)) this.#finished = true;
    const rest = Math.max(start, end);
    if (rest > 0) block.copy(block, 0, rest, filled);
    this.#carried = filled - rest;
  }

  /** What a finished file left without a line feed is no record. */
  #endFile(stillWritten: boolean): void {
    if (this.#carried > 0 && !stillWritten && !this.#over())
      this.#onCorrupt(this.#block.toString("utf8", 0, Math.min(this.#carried, 200)));
    this.#carried = 0;
    this.#skipping = false;
  }

  /** Reads the newest file and whatever takes its place until the container is done. */
  async *#follow(newest: LogFile | undefined, position: number): AsyncGenerator<Buffer, void> {
    await using changes = new Changes(this.#path, this.#stop);
    let ended = false;
    this.#live?.ended
      .finally(() => {
        ended = true;
        changes.wake();
      })
      .catch(() => undefined);
    for (let file = newest, at = position; !this.#over();) {
      // Seen before the last look at the file: what is found then is all there is.
      const complete = ended;
      const expired = this.#options.until !== undefined && now() > this.#options.until;
      const inode = await currentInode(this.#path);
      if (file !== undefined) at = yield* this.#readOn(file.handle, at);
      if (inode === file?.inode || inode === undefined) {
        if (complete || expired) break;
        await changes.next(this.#options.until);
        continue;
      }
      const newer = await openLogFiles(this.#path, file?.inode);
      for (const next of newer) this.#open.add(next);
      for (const next of newer) {
        // A file that has a successor is complete: everything that it got before it was renamed is there.
        if (file !== undefined) {
          yield* this.#readOn(file.handle, at);
          this.#endFile(false);
          await this.#close(file);
        }
        file = next;
        at = 0;
      }
    }
  }

  async *#readOn(handle: FileHandle, position: number): AsyncGenerator<Buffer, number> {
    const { size } = await handle.stat();
    let at = position;
    if (size < at) {
      // The shim took back a record that it could not write whole: a full disk.
      at = Math.min(size, at - this.#carried);
      this.#carried = 0;
      this.#skipping = false;
    }
    return yield* this.#read(handle, at, Infinity);
  }
}

/** Wakes who follows a log: when something changes beside it, when the engine says so, and now and then. */
class Changes implements AsyncDisposable {
  readonly #watcher: FSWatcher | undefined;
  readonly #stop: AbortSignal;
  #changed = true;
  #waiting: (() => void) | undefined;
  readonly wake = (): void => {
    this.#changed = true;
    this.#waiting?.();
  };

  constructor(path: string, stop: AbortSignal) {
    this.#stop = stop;
    stop.addEventListener("abort", this.wake);
    const name = basename(path);
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
        if (changed === null || changed.startsWith(name)) this.wake();
      });
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // No directory yet, or no watches left (fs.inotify.max_user_watches): polling does it.
    }
  }

  /** Resolves at the next change, after the time between polls, or at `until`. */
  async next(until: bigint | undefined): Promise<void> {
    const left = until === undefined ? pollMilliseconds : Number((until - now()) / 1_000_000n) + 1;
    if (!this.#changed && !this.#stop.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, Math.min(left, pollMilliseconds)));
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiting = undefined;
    }
    this.#changed = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.removeEventListener("abort", this.wake);
    this.#watcher?.close();
  }
}
