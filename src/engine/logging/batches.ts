/**
 * Records of a log as messages for a server, a batch at a time.
 * @module
 */
import { createHash } from "node:crypto";
import type { LogFile } from "./files.ts";
import { RecordScanner } from "./record.ts";
import type { LogLine, RemoteLog } from "./remote.ts";
import { parseTime } from "../time.ts";

/** Messages, and where their records end in the file. */
export interface Batch {
  readonly messages: readonly Buffer[];
  readonly offset: number;
}

/** The shim's records are shorter than this. */
const BLOCK = 256 * 1024;
const lineFeed = 0x0a;

/** Reads batches of one log. */
export class BatchReader {
  readonly #remote: RemoteLog;
  /** Only while there is something to read: there are many logs that say nothing. */
  #block: Buffer | undefined;
  readonly #scanner = new RecordScanner();
  /** Of each stream: pieces of a line so far. */
  readonly #pieces: Record<LogLine["stream"], { id: string; ordinal: number } | undefined> = {
    stdout: undefined,
    stderr: undefined,
  };

  constructor(remote: RemoteLog) {
    this.#remote = remote;
  }

  /** The next records of `file` from `offset` on; undefined: there is no whole one. */
  async read(file: LogFile, offset: number): Promise<Batch | undefined> {
    const block = (this.#block ??= Buffer.allocUnsafe(BLOCK));
    const filled = await file.read(block, 0, block.length, offset);
    const messages: Buffer[] = [];
    let size = 0;
    let at = 0;
    this.#scanner.reset();
    while (size < this.#remote.batch) {
      const feed = block.indexOf(lineFeed, at);
      if (feed < 0 || feed >= filled) break;
      if (this.#scanner.read(block, at, feed)) {
        const message = this.#remote.encode(this.#line(block));
        size += message?.length ?? 0;
        if (message !== undefined) messages.push(message);
      }
      at = feed + 1;
    }
    // Whatever fills a block and has no end isn't the shim's.
    if (at === 0 && filled === block.length) at = filled;
    if (at > 0) return { messages, offset: offset + at };
    this.#block = undefined;
    return undefined;
  }

  #line(block: Buffer): LogLine {
    const scanner = this.#scanner;
    const target = Buffer.allocUnsafe(scanner.textLimit + 1);
    const end = scanner.copyText(block, target, 0);
    const whole = end > 0 && target[end - 1] === lineFeed;
    const stream = scanner.stream === 1 ? "stdout" : "stderr";
    const time = parseTime(
      Buffer.from(scanner.timeBytes.subarray(scanner.timeStart, scanner.timeEnd)).toString("latin1"),
    );
    const before = this.#pieces[stream];
    const line = { stream, text: target.subarray(0, whole ? end - 1 : end), time } as const;
    if (whole && before === undefined) return line;
    const piece = before ?? { id: pieceId(stream, time), ordinal: 0 };
    piece.ordinal += 1;
    this.#pieces[stream] = whole ? undefined : piece;
    return { ...line, piece: { id: piece.id, ordinal: piece.ordinal, last: whole } };
  }
}

/** All pieces of a line have one time. */
function pieceId(stream: string, time: bigint): string {
  return createHash("sha256").update(`${stream} ${time}`).digest("hex");
}

/** Counts the records between two offsets of a file. */
export async function countRecords(file: LogFile, from: number, to: number): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK);
  let records = 0;
  for (let at = from; at < to;) {
    const read = await file.read(block, 0, Math.min(block.length, to - at), at);
    if (read === 0) break;
    for (
      let feed = block.indexOf(lineFeed);
      feed >= 0 && feed < read;
      feed = block.indexOf(lineFeed, feed + 1)
    )
      records++;
    at += read;
  }
  return records;
}

/** Where the first record begins that lies wholly behind `offset`; the end of the file if there is none. */
export async function nextRecord(file: LogFile, offset: number): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK);
  for (let at = offset; ;) {
    const read = await file.read(block, 0, block.length, at);
    if (read === 0) return at;
    const feed = block.subarray(0, read).indexOf(lineFeed);
    if (feed >= 0) return at + feed + 1;
    at += read;
  }
}
