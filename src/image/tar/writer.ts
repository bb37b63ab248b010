/**
 * Writes tar archives: POSIX ustar, with PAX records where ustar can't say it. The same entries give the same bytes.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { blockSize, padding, type Entry, type EntryType, type Segment, type Timestamp } from "./entry.ts";
import { checksum, fields, type Field } from "./header.ts";
import { encodeName } from "./name.ts";
import { formatPax, formatPaxTime, type PaxRecord } from "./pax.ts";

/** What an entry must be given; the rest has defaults: root's, epoch, 0644 or 0755, nothing extended. */
export interface EntryInput extends Partial<Omit<Entry, "path" | "type">> {
  readonly type: EntryType;
  readonly path: string;
  /** The stored bytes: for a sparse file its runs of data one after another. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** The two blocks of zeros that end an archive. */
export const endOfArchive: Uint8Array = new Uint8Array(2 * blockSize);

const flags: Readonly<Record<EntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};
const epoch: Timestamp = { sec: 0, nsec: 0 };
const zeros = new Uint8Array(blockSize);

/**
 * The archive of the entries, in their order. Throws `internal` if a body is longer or shorter than its entry says:
 * nothing that was sent can be taken back by then.
 */
export async function* writeTar(
  entries: AsyncIterable<EntryInput> | Iterable<EntryInput>,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const entry of entries) {
    yield encodeEntry(entry);
    const wanted = storedSize(entry);
    let written = 0;
    for await (const chunk of bodyOf(entry)) {
      written += chunk.length;
      if (written > wanted) break;
      if (chunk.length > 0) yield chunk;
    }
    if (written !== wanted)
      throw failure("internal", {
        message: `archive: the content of ${entry.path} isn't of the size announced`,
      });
    const pad = padding(wanted + mapOf(entry).length);
    if (pad > 0) yield zeros.subarray(0, pad);
  }
  yield endOfArchive;
}

/** Everything that precedes the entry's data: PAX header if one is needed, header, map of a sparse file. */
export function encodeEntry(entry: EntryInput): Uint8Array {
  const block = new Uint8Array(blockSize);
  const records: PaxRecord[] = [];
  const map = mapOf(entry);
  const path = entry.type === "directory" && !entry.path.endsWith("/") ? `${entry.path}/` : entry.path;
  putText(block, fields.magic, Buffer.from("ustar\x0000"));
  putText(block, fields.flag, Buffer.from(flags[entry.type]));
  putNumber(block, fields.mode, (entry.mode ?? (entry.type === "directory" ? 0o755 : 0o644)) & 0o7777);
  if (entry.sparse === undefined) putPath(block, encodeName(path), records);
  else {
    putPath(block, encodeName("GNUSparseFile.0/data"), []);
    records.push(record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0"));
    records.push({ key: "GNU.sparse.name", value: encodeName(path) });
    records.push(record("GNU.sparse.realsize", String(entry.size ?? 0)));
  }
  putName(block, fields.linkPath, "linkpath", entry.linkPath ?? "", records);
  putExtensible(block, fields.uid, "uid", entry.uid ?? 0, records);
  putExtensible(block, fields.gid, "gid", entry.gid ?? 0, records);
  putExtensible(block, fields.size, "size", storedSize(entry) + map.length, records);
  putTime(block, entry.mtime ?? epoch, records);
  putName(block, fields.userName, "uname", entry.userName ?? "", records);
  putName(block, fields.groupName, "gname", entry.groupName ?? "", records);
  putExtensible(block, fields.major, "SCHILY.devmajor", entry.major ?? 0, records);
  putExtensible(block, fields.minor, "SCHILY.devminor", entry.minor ?? 0, records);
  for (const [key, value] of entry.xattrs ?? []) records.push({ key: `SCHILY.xattr.${key}`, value });
  seal(block);
  return Buffer.concat([...encodePax(path, records), block, map]);
}

function encodePax(path: string, records: PaxRecord[]): Uint8Array[] {
  if (records.length === 0) return [];
  records.sort((a, b) => Number(a.key > b.key) - Number(a.key < b.key));
  const body = formatPax(records);
  const block = new Uint8Array(blockSize);
  const base = path.split("/").findLast((part) => part !== "") ?? "";
  putText(block, fields.path, encodeName(`PaxHeaders.0/${base}`).subarray(0, fields.path.length));
  putNumber(block, fields.mode, 0o644);
  putNumber(block, fields.uid, 0);
  putNumber(block, fields.gid, 0);
  putNumber(block, fields.size, body.length);
  putNumber(block, fields.mtime, 0);
  putText(block, fields.flag, Buffer.from("x"));
  putText(block, fields.magic, Buffer.from("ustar\x0000"));
  seal(block);
  return [block, body, zeros.subarray(0, padding(body.length))];
}

async function* bodyOf(entry: EntryInput): AsyncGenerator<Uint8Array, void, void> {
  if (entry.body === undefined) return;
  if (entry.body instanceof Uint8Array) yield entry.body;
  else yield* entry.body;
}

function storedSize(entry: EntryInput): number {
  if (entry.type !== "file") return 0;
  if (entry.sparse !== undefined) return entry.sparse.reduce((sum: number, s: Segment) => sum + s.length, 0);
  return entry.size ?? (entry.body instanceof Uint8Array ? entry.body.length : 0);
}

/** The map of a sparse file in the form 1.0, padded to whole blocks; empty for any other. */
function mapOf(entry: EntryInput): Uint8Array {
  if (entry.sparse === undefined) return zeros.subarray(0, 0);
  const last = entry.sparse.at(-1);
  const size = entry.size ?? 0;
  // GNU tar takes the file's length from its last run, so a hole at the end needs an empty one behind it.
  const end = last === undefined || last.offset + last.length < size ? [{ offset: size, length: 0 }] : [];
  const runs = [...entry.sparse, ...end];
  const lines = [runs.length, ...runs.flatMap((run) => [run.offset, run.length])];
  const text = Buffer.from(`${lines.join("\n")}\n`);
  return Buffer.concat([text, zeros.subarray(0, padding(text.length))]);
}

function record(key: string, value: string): PaxRecord {
  return { key, value: Buffer.from(value) };
}

function putText(block: Uint8Array, { at, length }: Field, text: Uint8Array): void {
  block.set(text.subarray(0, length), at);
}

/** Octal digits, filled up with zeros and ended by a NUL. */
function putNumber(block: Uint8Array, { at, length }: Field, value: number): void {
  putText(block, { at, length }, Buffer.from(`${value.toString(8).padStart(length - 1, "0")}\0`));
}

function putExtensible(
  block: Uint8Array,
  field: Field,
  key: string,
  value: number,
  records: PaxRecord[],
): void {
  const fits = value < 8 ** (field.length - 1);
  putNumber(block, field, fits ? value : 0);
  if (!fits) records.push(record(key, String(value)));
}

function putTime(block: Uint8Array, time: Timestamp, records: PaxRecord[]): void {
  const fits = time.sec >= 0 && time.sec < 8 ** 11;
  putNumber(block, fields.mtime, fits ? time.sec : 0);
  if (!fits || time.nsec !== 0) records.push(record("mtime", formatPaxTime(time)));
}

function putName(block: Uint8Array, field: Field, key: string, name: string, records: PaxRecord[]): void {
  const bytes = encodeName(name);
  if (bytes.length > field.length || !isAscii(bytes)) records.push({ key, value: bytes });
  putText(block, field, bytes);
}

/** ustar can split a long name at a slash: up to 155 bytes, slash, up to 100. */
function putPath(block: Uint8Array, path: Uint8Array, records: PaxRecord[]): void {
  const split = path.length <= fields.path.length ? -1 : path.lastIndexOf(47, fields.prefix.length);
  const rest = path.length - split - 1;
  if (
    !isAscii(path) ||
    (split <= 0 && path.length > fields.path.length) ||
    rest > fields.path.length ||
    rest === 0
  ) {
    records.push({ key: "path", value: path });
    putText(block, fields.path, path);
    return;
  }
  if (split > 0) putText(block, fields.prefix, path.subarray(0, split));
  putText(block, fields.path, path.subarray(split + 1));
}

function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 128) return false;
  return true;
}

/** Writes the checksum in its odd form: six digits, NUL, space. */
function seal(block: Uint8Array): void {
  putText(block, fields.checksum, Buffer.from(`${checksum(block).toString(8).padStart(6, "0")}\0 `));
}
