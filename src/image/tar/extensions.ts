/**
 * What extended headers say about the entry that follows them: PAX records of the entry, global ones, GNU long names.
 * @module
 */
import { limits, type Timestamp } from "./entry.ts";
import { HeaderError } from "./header.ts";
import { paxInteger, paxName, paxTime, type PaxRecord } from "./pax.ts";

const xattrPrefix = "SCHILY.xattr.";
const none: ReadonlyMap<string, Uint8Array> = new Map();

/** Collects extended headers; an entry's own records win over global ones, and an empty value takes a field back. */
export class Extensions {
  /** Name of a GNU L header. */
  longPath: string | undefined;
  /** Link target of a GNU K header. */
  longLink: string | undefined;
  #records: readonly PaxRecord[] = [];
  #byKey: Map<string, Uint8Array> | undefined;
  readonly #global = new Map<string, Uint8Array>();
  #globalSize = 0;

  /** Records of the entry, in their order. */
  get local(): readonly PaxRecord[] {
    return this.#records;
  }

  set local(records: readonly PaxRecord[]) {
    this.#records = records;
    this.#byKey = new Map(records.map(({ key, value }) => [key, value]));
  }

  /** Takes in a global header of `size` bytes. */
  addGlobal(records: readonly PaxRecord[], size: number): void {
    this.#globalSize += size;
    if (this.#globalSize > limits.pax) throw new HeaderError("global extended headers are too large");
    for (const { key, value } of records) this.#global.set(key, value);
  }

  /** Forgets what was about the entry that is now complete. */
  reset(): void {
    this.longPath = this.longLink = this.#byKey = undefined;
    this.#records = [];
  }

  /** The entry's name, if a header other than its own has it. */
  path(): string | undefined {
    return this.longPath ?? this.name("GNU.sparse.name") ?? this.name("path");
  }

  /** The entry's link target, if a header other than its own has it. */
  linkPath(): string | undefined {
    return this.longLink ?? this.name("linkpath");
  }

  /** The value of a key that holds a name. */
  name(key: string): string | undefined {
    const value = this.#value(key);
    return value === undefined ? undefined : paxName(value, key);
  }

  /** The value of a key that holds a number. */
  integer(key: string): number | undefined {
    const value = this.#value(key);
    return value === undefined ? undefined : paxInteger(value, key);
  }

  /** The value of a key that holds a time. */
  time(key: string): Timestamp | undefined {
    const value = this.#value(key);
    return value === undefined ? undefined : paxTime(value, key);
  }

  /** Extended attributes. An empty value is an empty attribute. */
  xattrs(): ReadonlyMap<string, Uint8Array> {
    let found: Map<string, Uint8Array> | undefined;
    for (const records of [this.#global, this.#byKey ?? none])
      for (const [key, value] of records) {
        if (!key.startsWith(xattrPrefix)) continue;
        if (key.length === xattrPrefix.length || key.includes("\0"))
          throw new HeaderError("invalid attribute name");
        (found ??= new Map()).set(key.slice(xattrPrefix.length), value);
      }
    return found ?? none;
  }

  #value(key: string): Uint8Array | undefined {
    const value = this.#byKey?.get(key) ?? this.#global.get(key);
    return value === undefined || value.length === 0 ? undefined : value;
  }
}
