/**
 * Reads a container's log: from its end backwards for a tail, across rotations, and on while it is written.
 * @module
 */
import { Readable } from "node:stream";
import type { LogOptions } from "../engine.ts";
import { Changes } from "./changes.ts";
import { closeFiles, currentInode, openLogFiles, type FileIdentity, type LogFile } from "./files.ts";
import { LogFormatter, type LogFormat } from "./format.ts";
import { SharedSteps, type Step } from "./shared-steps.ts";
import { findTail } from "./tail.ts";
import { now } from "../time.ts";

/** A container that still writes. */
export interface LiveLog {
  /** Resolves when the container is done and its log is complete. */
  readonly ended: Promise<void>;
}

const blockSize = 256 * 1024;
const smallBlock = 4096;
/** The shim's records are 100 KiB at most; a line that is longer than this isn't one. */
const longestLine = 4 * 1024 * 1024;
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

const sharedSteps = new SharedSteps();

/** Milliseconds after which the clock is asked again whether it is time to end. */
const LONGEST_WAIT = 60_000;

class LogReader {
  readonly #path: string;
  readonly #options: LogOptions;
  readonly #live: LiveLog | undefined;
  readonly #onCorrupt: (line: string) => void;
  readonly #formatter: LogFormatter;
  readonly #format: LogFormat;
  /** Who has the same gets the same. */
  readonly #key: string;
  readonly #stop: AbortSignal;
  #block: Buffer = Buffer.alloc(0);
  /** Bytes of a line without its end, at the beginning of the block. */
  #carried = 0;
  /** The rest of a line that is too long to be a record is left out. */
  #skipping = false;
  #finished = false;
  /** What is at a place of the file isn't what was there: nothing that others have read is taken for it. */
  #alone = false;
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
    this.#format = options;
    const { tty, stdout, stderr, timestamps, details } = options;
    this.#key = JSON.stringify([path, tty, stdout, stderr, timestamps, details]);
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
        if (!last || !following) yield* this.#read(file, start, last ? file.size : Infinity);
        else yield* this.#follow(file, start);
        this.#endFile(last && this.#live !== undefined);
        await this.#close(file);
      }
      if (files.length === 0 && following) yield* this.#follow(undefined, 0);
    } finally {
      const open = [...this.#open];
      for (const { inode } of open) sharedSteps.forget(inode);
      await closeFiles(open);
    }
  }

  /** Whoever follows for long must not keep the room of files that were removed. */
  async #close(file: LogFile): Promise<void> {
    if (!this.#open.delete(file)) return;
    sharedSteps.forget(file.inode);
    await file[Symbol.asyncDispose]();
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
      const found = await findTail(file, missing);
      if (found.missing === 0) return { first: i, offset: found.offset };
      missing = found.missing;
    }
    return { first: 0, offset: 0 };
  }

  /** Reads a file from `position` to `limit` or to its end; returns where that is. */
  async *#read(
    file: LogFile,
    position: number,
    limit: number,
    expected = blockSize,
  ): AsyncGenerator<Buffer, number> {
    let at = position;
    while (at < limit && !this.#over()) {
      this.#makeRoom(expected);
      const room = Math.min(this.#block.length - this.#carried, limit - at);
      const bytesRead = await file.read(this.#block, this.#carried, room, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      this.#take(this.#carried + bytesRead);
      yield* this.#formatter.take();
    }
    return at;
  }

  /** `expected`: as many bytes are to come; who follows gets a few at a time, and there may be hundreds of them. */
  #makeRoom(expected: number): void {
    if (this.#block.length === 0)
      this.#block = Buffer.allocUnsafe(Math.min(blockSize, Math.max(smallBlock, expected)));
    const size = this.#block.length;
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
    using changes = new Changes(this.#path);
    if (this.#stop.aborted) return;
    this.#stop.addEventListener("abort", changes.wake, { once: true });
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
      if (file !== undefined) at = yield* this.#readOn(file, at);
      if (inode === file?.inode || inode === undefined) {
        if (complete || expired) break;
        // Many may wait at once.
        if (this.#carried === 0) this.#block = Buffer.alloc(0);
        const { until } = this.#options;
        // The clock may be set meanwhile.
        const left = until === undefined ? Infinity : Number((until - now()) / 1_000_000n) + 1;
        await changes.next(left === Infinity ? undefined : Math.min(left, LONGEST_WAIT));
        continue;
      }
      const newer = await openLogFiles(this.#path, file === undefined ? undefined : await this.#known(file));
      for (const next of newer) this.#open.add(next);
      for (const next of newer) {
        // A file that has a successor is complete: everything that it got before it was renamed is there.
        if (file !== undefined) {
          yield* this.#readOn(file, at);
          this.#endFile(false);
          await this.#close(file);
        }
        file = next;
        at = 0;
      }
    }
  }

  /** What tells a file that is complete from others, even when it is compressed meanwhile. */
  async #known({ handle, inode }: LogFile): Promise<FileIdentity> {
    return { inode, modified: (await handle.stat({ bigint: true })).mtimeNs };
  }

  /** Reads whole lines up to `size` together with others who follow this log. What is there beyond is left to who calls. */
  async *#readShared(file: LogFile, position: number, size: number): AsyncGenerator<Buffer, number> {
    const { since, until } = this.#options;
    if (this.#alone || file.compressed || since !== undefined || until !== undefined) return position;
    for (let at = position; ;) {
      if (this.#carried > 0 || this.#skipping || at >= size || this.#over()) return at;
      const from = at;
      const made = sharedSteps.take(this.#key, file.inode, from, () => this.#step(file, from, size));
      // Whoever reads it may be gone by now.
      const step = await made.catch(() => undefined);
      if (step === undefined || step.to === from) return at;
      at = step.to;
      yield* step.chunks;
    }
  }

  /** Reads and formats whole lines at `from`. */
  async #step(file: LogFile, from: number, size: number): Promise<Step> {
    const block = Buffer.allocUnsafe(Math.min(blockSize, size - from));
    const filled = await file.read(block, 0, block.length, from);
    const end = block.subarray(0, filled).lastIndexOf(lineFeed) + 1;
    const formatter = new LogFormatter(this.#format, this.#onCorrupt);
    formatter.add(block, 0, end);
    return { chunks: formatter.take(), to: from + end };
  }

  async *#readOn(file: LogFile, position: number): AsyncGenerator<Buffer, number> {
    const size = file.compressed ? Infinity : (await file.handle.stat()).size;
    let at = position;
    if (size < at) {
      // The shim took back a record that it could not write whole: a full disk.
      at = Math.min(size, at - this.#carried);
      this.#carried = 0;
      this.#skipping = false;
      this.#alone = true;
    }
    at = yield* this.#readShared(file, at, size);
    // What comes later wakes everybody: who reads it now would be at another place than all others from then on.
    return at >= size ? at : yield* this.#read(file, at, size, size - at);
  }
}
