/**
 * The resolver's memory of what it was told, for the one that comes after it.
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { DnsState } from "./types.ts";

/** Milliseconds after a change until it is written: many changes are one file. */
const pause = 200;

/** A file that follows a state. */
export class StateFile {
  readonly #path: string;
  readonly #state: () => DnsState;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, state: () => DnsState) {
    this.#path = path;
    this.#state = state;
  }

  /** What was written last; undefined if there is nothing that can be read. */
  read(): DnsState | undefined {
    try {
      return JSON.parse(readFileSync(this.#path, "utf8")) as DnsState;
    } catch {
      return undefined;
    }
  }

  /** Has the state written soon. */
  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, pause);
  }

  /** Writes at once what is yet to be written. */
  close(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#write();
  }

  #write(): void {
    try {
      // In a directory in memory (/run): this takes no longer than making the text.
      writeFileSync(`${this.#path}.new`, JSON.stringify(this.#state()), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // Without it a resolver that is started again waits for the engine, as the first one did.
    }
  }
}
