/**
 * Sends one container's log to its server: follows the files that the shim writes, and remembers how far it came. The
 * shim keeps what was not sent yet; so a server that is slow or gone holds up the container at most, never the engine.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../errors/mod.ts";
import type { EngineLog } from "../services.ts";
import { BatchReader, countRecords, nextRecord, type Batch } from "./batches.ts";
import { Changes } from "./changes.ts";
import { closeFiles, currentInode, openLogFiles, type LogFile } from "./files.ts";
import { fileKey, readPlace, writePlace, type Place } from "./place.ts";
import type { RemotePlan } from "./plan.ts";
import type { LogSink, SinkHost } from "./remote.ts";

/** Milliseconds: what a connection took in its last moments is sent again when it is lost, as nobody knows of it. */
const DOUBT = 1000;
/** Milliseconds between two writings of the place. */
const SAVE_INTERVAL = 100;
/** Milliseconds between two tries to connect, at most; and between two complaints about the same server. */
const LONGEST_WAIT = 30_000;
const COMPLAINT_INTERVAL = 60_000;
/** The mode of a file of which all was sent. */
const SENT_MODE = 0o1640;

/** What a forwarder works with. */
export interface ForwarderOptions extends RemotePlan {
  /** The container's id. */
  readonly id: string;
  readonly host: SinkHost;
  readonly log: EngineLog;
  /** A connection that was made already. */
  readonly sink?: LogSink;
}

/** Where a forwarder is: an open file, its key, how much of it was sent. */
interface Position {
  readonly file: LogFile;
  readonly key: string;
  offset: number;
}

/** One container's forwarder; it works from the moment when it is made. */
export class Forwarder {
  /** Resolves when it works no more: all was sent after {@link finish}, or it was stopped. */
  readonly done: Promise<void>;
  readonly #options: ForwarderOptions;
  readonly #reader: BatchReader;
  readonly #changes: Changes;
  readonly #stop = new AbortController();
  #finishing = false;
  #position: Position | undefined;
  #sink: LogSink | undefined;
  #sinkSince = 0;
  /** What the connection took lately: where it began, when. */
  #recent: { readonly place: Place; readonly at: number }[] = [];
  #saved: { readonly at: number; readonly place: Place | undefined } = { at: 0, place: undefined };
  /** Records that were left out and not yet told of. */
  #lost = 0;
  #lostToldAt = 0;
  #complainedAt = -COMPLAINT_INTERVAL;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#reader = new BatchReader(options.remote);
    this.#changes = new Changes(options.path);
    this.#sink = options.sink;
    this.#sinkSince = performance.now();
    this.done = this.#run();
  }

  /** Nothing more is written: it works until all was sent. */
  finish(): void {
    this.#finishing = true;
    this.#changes.wake();
  }

  /** It works no more; what was not sent stays for the next one. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#sink?.close();
    this.#changes.wake();
    await this.done;
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#goTo(this.#saved.place ?? (await readPlace(this.#options.path)));
        while (!this.#stopped && (await this.#step()));
        break;
      } catch (error) {
        if (this.#stopped) break;
        // A full disk, no descriptors: a container may wait for this, so it isn't given up.
        const { id, log } = this.#options;
        log.error(`send the log of container ${id}: ${messageOf(error)}`, { error });
        await this.#pause(LONGEST_WAIT);
      }
    }
    await this.#save().catch(() => undefined);
    this.#tellLost(true);
    this.#changes[Symbol.dispose]();
    this.#sink?.close();
    await this.#position?.file[Symbol.asyncDispose]();
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  /** Sends what is there, or waits for more. False: all was sent and nothing more comes. */
  async #step(): Promise<boolean> {
    // Seen before the look at the file: what is found then is all there is.
    const finishing = this.#finishing;
    if (this.#options.buffer !== undefined) await this.#leaveOut(this.#options.buffer);
    const position = this.#position;
    if (position === undefined) {
      await this.#goTo(undefined);
      if (this.#position !== undefined) return true;
    } else {
      const batch = await this.#reader.read(position.file, position.offset);
      if (batch !== undefined) {
        await this.#deliver(position, batch);
        return true;
      }
      if (await this.#goOn(position)) return true;
    }
    await this.#save();
    this.#tellLost(false);
    if (finishing) return false;
    await this.#changes.next();
    return true;
  }

  /** To the next file, if all of this one was sent. */
  async #goOn(position: Position): Promise<boolean> {
    const { file } = position;
    const newest = await currentInode(this.#options.path);
    if (newest === undefined || newest === file.inode) return false;
    // Everything that it got before it was renamed is there now.
    if ((await this.#reader.read(file, position.offset)) !== undefined) return true;
    const { mtimeNs } = await file.handle.stat({ bigint: true });
    const files = await openLogFiles(this.#options.path, { inode: file.inode, modified: mtimeNs });
    const [next, ...others] = files;
    await closeFiles(others);
    if (next === undefined) return false;
    await this.#enter(next, 0);
    // Marked only when it is on disk that the next one is to be read: then it may go.
    await this.#save();
    await file.handle.chmod(SENT_MODE);
    await file[Symbol.asyncDispose]();
    return true;
  }

  async #enter(file: LogFile, offset: number): Promise<void> {
    this.#position = { file, key: await fileKey(file.handle), offset };
  }

  /** Finds a place again; without one, or if its file is gone, the oldest file that was not sent. */
  async #goTo(place: Place | undefined): Promise<void> {
    const files = await openLogFiles(this.#options.path);
    const keys = await Promise.all(files.map(({ handle }) => fileKey(handle)));
    const known = place === undefined ? -1 : keys.indexOf(place.file);
    const index = known >= 0 ? known : files.findIndex(({ marked, compressed }) => !marked && !compressed);
    const file = files[index];
    // Older ones need not be sent: they have been, or they were before the place.
    for (const older of known > 0 ? files.slice(0, known) : [])
      if (!older.compressed && !older.marked) await older.handle.chmod(SENT_MODE);
    await closeFiles(files.filter((_, i) => i !== index));
    await this.#position?.file[Symbol.asyncDispose]();
    this.#position = undefined;
    if (file === undefined) return;
    await this.#enter(file, known >= 0 ? (place?.offset ?? 0) : 0);
  }

  /** Sends a batch, again and again if need be. */
  async #deliver(position: Position, batch: Batch): Promise<void> {
    const { remote, host } = this.#options;
    const begin: Place = { file: position.key, offset: position.offset };
    let wait = remote.retryWait;
    for (let attempt = 0; !this.#stopped && batch.messages.length > 0; attempt++) {
      try {
        this.#renew(remote.renewal);
        if (this.#sink === undefined) {
          this.#sink = await remote.connect(host);
          this.#sinkSince = performance.now();
          // One that was stopped meanwhile.
          if (this.#stopped) return;
        }
        await this.#sink.send(batch.messages);
        this.#remember(begin);
        break;
      } catch (error) {
        if (this.#stopped) return;
        this.#complain(error);
        this.#sink?.close();
        this.#sink = undefined;
        if (remote.retries !== undefined && attempt >= remote.retries) {
          this.#lost += batch.messages.length;
          break;
        }
        const doubtful = this.#doubtful();
        if (doubtful !== undefined) {
          await this.#goTo(doubtful);
          return;
        }
        await this.#pause(wait);
        wait = Math.min(wait * 1.5, Math.max(LONGEST_WAIT, remote.retryWait));
      }
    }
    if (this.#stopped) return;
    position.offset = batch.offset;
    if (performance.now() - this.#saved.at >= SAVE_INTERVAL) await this.#save();
  }

  /** Ends a connection that is older than the option says. */
  #renew(renewal: number | undefined): void {
    if (renewal === undefined || performance.now() - this.#sinkSince < renewal) return;
    this.#sink?.close();
    this.#sink = undefined;
  }

  #remember(place: Place): void {
    const at = performance.now();
    this.#recent = this.#sink?.certain === true ? [] : this.#recent.filter((one) => at - one.at < DOUBT);
    if (this.#sink?.certain !== true) this.#recent.push({ place, at });
  }

  /** Where what begins that the connection took in its last moments; undefined: it took nothing. */
  #doubtful(): Place | undefined {
    const at = performance.now();
    const place = this.#recent.find((one) => at - one.at < DOUBT)?.place;
    this.#recent = [];
    return place;
  }

  /** Of a container that never waits: what is older than the last `buffer` bytes is left out. */
  async #leaveOut(buffer: number): Promise<void> {
    const { path } = this.#options;
    for (;;) {
      const position = this.#position;
      if (position === undefined) return;
      const { file } = position;
      const { size, mtimeNs } = await file.handle.stat({ bigint: true });
      const here = Number(size) - position.offset;
      const newer = await openLogFiles(path, { inode: file.inode, modified: mtimeNs });
      const behind = newer.reduce((sum, one) => sum + (one.compressed ? 0 : one.size), 0);
      const excess = here + behind - buffer;
      if (excess <= 0) {
        await closeFiles(newer);
        return;
      }
      if (excess < here || newer[0] === undefined) {
        await closeFiles(newer);
        const offset = await nextRecord(file, position.offset + Math.min(excess, here) - 1);
        this.#lost += await countRecords(file, position.offset, offset);
        position.offset = offset;
        return;
      }
      this.#lost += await countRecords(file, position.offset, Number(size));
      const [next, ...others] = newer;
      await closeFiles(others);
      await this.#enter(next, 0);
      await file.handle.chmod(SENT_MODE);
      await file[Symbol.asyncDispose]();
    }
  }

  async #save(): Promise<void> {
    const position = this.#position;
    if (position === undefined) return;
    const place = { file: position.key, offset: position.offset };
    const { place: saved } = this.#saved;
    if (saved?.file === place.file && saved.offset === place.offset) return;
    this.#saved = { at: performance.now(), place };
    try {
      await writePlace(this.#options.path, place);
    } catch (error) {
      // A full disk: after a crash more is sent twice, nothing is lost.
      this.#options.log.warn(
        `remember how far the log of container ${this.#options.id} was sent: ${messageOf(error)}`,
      );
    }
  }

  #complain(error: unknown): void {
    const at = performance.now();
    if (at - this.#complainedAt < COMPLAINT_INTERVAL) return;
    this.#complainedAt = at;
    this.#options.log.warn(`send the log of container ${this.#options.id}: ${messageOf(error)}`);
  }

  #tellLost(now: boolean): void {
    const at = performance.now();
    if (this.#lost === 0 || (!now && at - this.#lostToldAt < 1000)) return;
    this.#lostToldAt = at;
    this.#options.log.warn(
      `${this.#lost} lines of the log of container ${this.#options.id} were not sent: its server is too slow or gone`,
    );
    this.#lost = 0;
  }
}
