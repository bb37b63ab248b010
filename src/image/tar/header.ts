/**
 * The 512-byte header block: POSIX.1-1988 ustar, its GNU and star dialects, and what came before them.
 * Sources: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"; star(5).
 * @module
 */
import { blockSize } from "./entry.ts";
import { decodeName } from "./name.ts";

/** A header block as it stands, before long names and PAX records are applied to it. */
export interface Header {
  /** The type flag as a character; "\0" is a file, as "0" is, from before POSIX. */
  readonly flag: string;
  readonly gnu: boolean;
  readonly path: string;
  readonly linkPath: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly userName: string;
  readonly groupName: string;
  readonly major: number;
  readonly minor: number;
}

/** Where a header's field lies. */
export interface Field {
  readonly at: number;
  readonly length: number;
}

type FieldName =
  | "path"
  | "mode"
  | "uid"
  | "gid"
  | "size"
  | "mtime"
  | "checksum"
  | "flag"
  | "linkPath"
  | "magic"
  | "userName"
  | "groupName"
  | "major"
  | "minor"
  | "prefix";

/** The fields of a ustar header. */
export const fields: Readonly<Record<FieldName, Field>> = {
  path: { at: 0, length: 100 },
  mode: { at: 100, length: 8 },
  uid: { at: 108, length: 8 },
  gid: { at: 116, length: 8 },
  size: { at: 124, length: 12 },
  mtime: { at: 136, length: 12 },
  checksum: { at: 148, length: 8 },
  flag: { at: 156, length: 1 },
  linkPath: { at: 157, length: 100 },
  magic: { at: 257, length: 8 },
  userName: { at: 265, length: 32 },
  groupName: { at: 297, length: 32 },
  major: { at: 329, length: 8 },
  minor: { at: 337, length: 8 },
  prefix: { at: 345, length: 155 },
};

/** A header that can't be understood; the reader says in which archive and where. */
export class HeaderError extends Error {
  override readonly name: string = "HeaderError";
}

/** Whether the block is all zeros, as the two that end an archive are. */
export function isZeroBlock(block: Uint8Array): boolean {
  if (block[0] !== 0) return false;
  for (let i = 1; i < blockSize; i++) if (block[i] !== 0) return false;
  return true;
}

/** Reads a header block. Throws {@link HeaderError} if its checksum or a number is wrong. */
export function parseHeader(block: Uint8Array): Header {
  verifyChecksum(block);
  const magic = ascii(block, fields.magic);
  const ustar = magic.startsWith("ustar\0");
  const gnu = magic === "ustar  \0";
  const flag = String.fromCharCode(block[fields.flag.at] ?? 0);
  const modern = ustar || gnu;
  const device = modern && (flag === "3" || flag === "4");
  return {
    flag,
    gnu,
    path: ustar ? joinPrefix(block) : text(block, fields.path),
    linkPath: text(block, fields.linkPath),
    mode: parseNumber(block, fields.mode) & 0o7777,
    uid: parseNumber(block, fields.uid),
    gid: parseNumber(block, fields.gid),
    size: parseNumber(block, fields.size),
    mtime: parseNumber(block, fields.mtime),
    userName: modern ? text(block, fields.userName) : "",
    groupName: modern ? text(block, fields.groupName) : "",
    major: device ? parseNumber(block, fields.major) : 0,
    minor: device ? parseNumber(block, fields.minor) : 0,
  };
}

/** Sum of the block's bytes with the checksum field taken as spaces. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * 32;
  for (let i = 0; i < 148; i++) sum += block[i] ?? 0;
  for (let i = 156; i < blockSize; i++) sum += block[i] ?? 0;
  return sum;
}

function verifyChecksum(block: Uint8Array): void {
  const stored = parseNumber(block, fields.checksum);
  const unsigned = checksum(block);
  if (stored === unsigned) return;
  // Some old programs summed signed characters.
  let signed = unsigned;
  for (let i = 0; i < blockSize; i++) if ((i < 148 || i >= 156) && (block[i] ?? 0) > 127) signed -= 256;
  if (stored !== signed) throw new HeaderError("invalid tar header (wrong checksum)");
}

/**
 * Reads a number: octal digits between spaces and NULs, or base 256 in two's complement if the top bit is set
 * (GNU tar manual, "Extensions to the archive format"). Only integers that a double holds exactly are taken.
 */
export function parseNumber(block: Uint8Array, field: Field): number {
  const first = block[field.at] ?? 0;
  return (first & 0x80) === 0 ? parseOctal(block, field) : parseBase256(block, field, first);
}

function parseBase256(block: Uint8Array, { at, length }: Field, first: number): number {
  const flip = (first & 0x40) === 0 ? 0 : 0xff;
  let value = (first ^ flip) & 0x3f;
  for (let i = 1; i < length; i++) {
    value = value * 256 + ((block[at + i] ?? 0) ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) throw new HeaderError("invalid tar header (number out of range)");
  }
  return flip === 0 ? value : -value - 1;
}

function parseOctal(block: Uint8Array, { at, length }: Field): number {
  let i = at;
  const end = at + length;
  while (i < end && (block[i] === 32 || block[i] === 0)) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = (block[i] ?? 0) - 48;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; i < end; i++)
    if (block[i] !== 32 && block[i] !== 0) throw new HeaderError("invalid tar header (number is not octal)");
  return value;
}

function text(block: Uint8Array, { at, length }: Field): string {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return end === at ? "" : decodeName(block.subarray(at, end));
}

function ascii(block: Uint8Array, { at, length }: Field): string {
  return Buffer.from(block.buffer, block.byteOffset + at, length).toString("latin1");
}

function joinPrefix(block: Uint8Array): string {
  // star keeps times at the end of the prefix and says so in the last four bytes.
  const star = ascii(block, { at: 508, length: 4 }) === "tar\0";
  const prefix = text(block, star ? { at: 345, length: 131 } : fields.prefix);
  const path = text(block, fields.path);
  return prefix === "" ? path : `${prefix}/${path}`;
}
