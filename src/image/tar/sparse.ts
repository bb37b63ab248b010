/**
 * Maps of sparse files in GNU's four forms: old-GNU headers (type S), and PAX 0.0, 0.1 and 1.0.
 * Source: GNU tar manual, "Storing Sparse Files".
 * @module
 */
import type { ByteSource } from "./bytes.ts";
import { blockSize, limits, type Segment } from "./entry.ts";
import { HeaderError, parseNumber } from "./header.ts";
import { paxInteger, type PaxRecord } from "./pax.ts";

/** A sparse file: the runs of data, and its length with holes. */
export interface SparseMap {
  readonly segments: readonly Segment[];
  readonly realSize: number;
}

/** The map of an old-GNU header and of the blocks that continue it, which are read from `source`. */
export async function readGnuMap(header: Uint8Array, source: ByteSource): Promise<SparseMap> {
  const segments: Segment[] = [];
  const realSize = parseNumber(header, { at: 483, length: 12 });
  let more = takeGnuSegments(header, 386, 4, segments) && header[482] !== 0;
  while (more) {
    const block = await source.read(blockSize);
    if (block === undefined) throw new HeaderError("truncated sparse map");
    more = takeGnuSegments(block, 0, 21, segments) && block[504] !== 0;
    checkCount(segments.length);
  }
  return { segments, realSize };
}

function takeGnuSegments(block: Uint8Array, start: number, count: number, into: Segment[]): boolean {
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    if (block[at] === 0 || block[at + 12] === 0) return false;
    const offset = parseNumber(block, { at, length: 12 });
    into.push({ offset, length: parseNumber(block, { at: at + 12, length: 12 }) });
  }
  return true;
}

/** The map that PAX 0.0 and 0.1 keep in the extended header; undefined if the file isn't sparse in these forms. */
export function paxMap(records: readonly PaxRecord[]): SparseMap | undefined {
  const numbers: number[] = [];
  let realSize: number | undefined;
  for (const { key, value } of records) {
    if (key === "GNU.sparse.size") realSize = paxInteger(value, key);
    else if (key === "GNU.sparse.map") for (const number of splitMap(value)) numbers.push(number);
    else if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      // 0.0 repeats the two keys in turn, which is against POSIX and why 0.1 came.
      if ((numbers.length % 2 === 0) !== (key === "GNU.sparse.offset")) throw invalid();
      numbers.push(paxInteger(value, key));
      checkCount(numbers.length / 2);
    }
  }
  if (realSize === undefined) return undefined;
  return { segments: pairs(numbers), realSize };
}

function splitMap(value: Uint8Array): number[] {
  if (value.length === 0) return [];
  const numbers = Buffer.from(value).toString("latin1").split(",");
  checkCount(numbers.length / 2);
  return numbers.map((number) => paxInteger(Buffer.from(number), "GNU.sparse.map"));
}

/**
 * Reads the map that PAX 1.0 puts before the data: decimal numbers, a line each, padded to whole blocks.
 * Returns the bytes of body that it took.
 */
export async function readPaxMap(
  source: ByteSource,
  bodySize: number,
): Promise<{ readonly segments: Segment[]; readonly taken: number }> {
  let taken = 0;
  let line = 0;
  let digits = 0;
  let wanted = -1;
  const numbers: number[] = [];
  while (wanted < 0 || numbers.length < wanted) {
    if (taken + blockSize > bodySize) throw invalid();
    const block = await source.read(blockSize);
    if (block === undefined) throw new HeaderError("truncated sparse map");
    taken += blockSize;
    for (const byte of block) {
      if (byte === 10) {
        if (digits === 0) throw invalid();
        if (wanted < 0) {
          checkCount(line);
          wanted = line * 2;
        } else numbers.push(line);
        line = digits = 0;
        if (numbers.length === wanted) break;
      } else {
        if (byte < 48 || byte > 57 || ++digits > 16) throw invalid();
        line = line * 10 + byte - 48;
      }
    }
  }
  return { segments: pairs(numbers), taken };
}

/** Checks a map against the bytes that are stored, and drops the empty runs that only mark a file's end. */
export function checkMap({ segments, realSize }: SparseMap, stored: number): readonly Segment[] {
  let end = 0;
  let total = 0;
  for (const { offset, length } of segments) {
    if (offset < end || length < 0) throw invalid();
    end = offset + length;
    total += length;
    if (end > realSize) throw invalid();
  }
  if (total !== stored || !Number.isSafeInteger(realSize) || realSize < 0) throw invalid();
  return segments.filter((segment) => segment.length > 0);
}

function pairs(numbers: readonly number[]): Segment[] {
  if (numbers.length % 2 !== 0) throw invalid();
  const segments: Segment[] = [];
  for (let i = 0; i < numbers.length; i += 2)
    segments.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  return segments;
}

function checkCount(count: number): void {
  if (count > limits.segments) throw new HeaderError("sparse map is too long");
}

function invalid(): HeaderError {
  return new HeaderError("invalid sparse map");
}
