/**
 * Records of a log as a client of `docker logs` gets them.
 * @module
 */
import type { LogOptions } from "../engine.ts";
import { fixedTime, RecordScanner } from "./record.ts";

/** How to write records: which, and with what before them. */
export type LogFormat = Pick<
  LogOptions,
  "stdout" | "stderr" | "timestamps" | "details" | "since" | "until"
> & {
  readonly tty: boolean;
};

const lineFeed = 0x0a;
const headerSize = 8;
const timeSize = 31;
const chunkSize = 128 * 1024;

/** Turns lines of a log into chunks of the answer. */
export class LogFormatter {
  readonly #format: LogFormat;
  readonly #corrupt: (line: string) => void;
  readonly #scanner = new RecordScanner();
  /** Set until the first record that is new enough: clocks go back, so later ones are not compared. */
  #since: Uint8Array | undefined;
  readonly #until: Uint8Array | undefined;
  #chunks: Buffer[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(format: LogFormat, corrupt: (line: string) => void) {
    this.#format = format;
    this.#corrupt = corrupt;
    this.#since = format.since === undefined ? undefined : fixedTime(format.since);
    this.#until = format.until === undefined ? undefined : fixedTime(format.until);
  }

  /**
   * Reads whole lines from `start` to `end` (behind a line feed) of `block`. Returns false once a record is later than
   * `until`: nothing after it counts.
   */
  add(block: Buffer, start: number, end: number): boolean {
    const scanner = this.#scanner;
    scanner.reset();
    for (let line = start; line < end;) {
      const feed = block.indexOf(lineFeed, line);
      if (feed < 0 || feed >= end) break;
      if (!scanner.read(block, line, feed)) this.#refuse(block, line, feed);
      else if (!this.#write(block, end - line)) return false;
      line = feed + 1;
    }
    return true;
  }

  #refuse(block: Buffer, start: number, end: number): void {
    // A shim that was killed while it wrote leaves a line feed of its own.
    if (end > start) this.#corrupt(block.toString("utf8", start, Math.min(end, start + 200)));
  }

  #write(block: Buffer, remaining: number): boolean {
    const scanner = this.#scanner;
    const { tty, timestamps, details, stdout, stderr } = this.#format;
    if (this.#since !== undefined) {
      if (scanner.compareTime(this.#since) < 0) return true;
      this.#since = undefined;
    }
    if (this.#until !== undefined && scanner.compareTime(this.#until) > 0) return false;
    if (!(scanner.stream === 1 ? stdout : stderr)) return true;
    const attributes = details ? detailsText(scanner.attributes) : undefined;
    this.#makeRoom(headerSize + timeSize + (attributes?.length ?? 0) * 3 + scanner.textLimit, remaining);
    const target = this.#chunk;
    const start = this.#at;
    let at = tty ? start : start + headerSize;
    if (timestamps) {
      at = scanner.copyTime(target, at);
      target[at++] = 0x20;
    }
    if (attributes !== undefined) at += target.write(attributes, at);
    at = scanner.copyText(block, target, at);
    if (!tty) {
      target.writeUInt32BE(scanner.stream << 24, start);
      target.writeUInt32BE(at - start - headerSize, start + 4);
    }
    this.#at = at;
    return true;
  }

  #makeRoom(size: number, remaining: number): void {
    if (this.#at + size <= this.#chunk.length) return;
    this.#finish();
    this.#chunk = Buffer.allocUnsafe(Math.max(size, Math.min(chunkSize, remaining + 256)));
  }

  #finish(): void {
    if (this.#at > 0) this.#chunks.push(this.#chunk.subarray(0, this.#at));
    this.#chunk = this.#chunk.subarray(this.#at);
    this.#at = 0;
  }

  /** What was written since the last call. */
  take(): Buffer[] {
    this.#finish();
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

/** Docker's form: `a=1,b=2 `, sorted, encoded as in a query; a space alone without any. */
function detailsText(attributes: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(attributes ?? {}).map(
    ([key, value]) => `${queryEscape(key)}=${queryEscape(value)}`,
  );
  return `${pairs.toSorted().join(",")} `;
}

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
