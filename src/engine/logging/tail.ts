/**
 * Where the last lines of a log begin, found from its end; in a compressed file, which has no end to begin from, by
 * reading it.
 * @module
 */
import type { LogFile } from "./files.ts";

const blockSize = 64 * 1024;
const lineFeed = 0x0a;

/** Where to begin in a file, and how many lines older files must still give. */
export interface TailStart {
  readonly offset: number;
  readonly missing: number;
}

/**
 * Finds the last `lines` whole lines of a file. What follows the last line feed is not a line yet; it is behind the
 * offset, too.
 */
export async function findTail(file: LogFile, lines: number): Promise<TailStart> {
  return file.compressed ? findFromStart(file, lines) : findFromEnd(file, lines);
}

async function findFromEnd(file: LogFile, lines: number): Promise<TailStart> {
  const { size } = file;
  const block = Buffer.allocUnsafe(Math.min(blockSize, Math.max(size, 1)));
  // The line feed that ends the line before them is sought.
  let left = lines + 1;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    const bytesRead = await file.read(block, 0, end - start, start);
    for (let at = bytesRead; at > 0;) {
      at = block.subarray(0, at).lastIndexOf(lineFeed);
      if (at < 0) break;
      left -= 1;
      if (left === 0) return { offset: start + at + 1, missing: 0 };
    }
    end = start;
  }
  return { offset: 0, missing: left - 1 };
}

async function findFromStart(file: LogFile, lines: number): Promise<TailStart> {
  const all = await skipLines(file, Infinity);
  if (all.lines <= lines) return { offset: 0, missing: lines - all.lines };
  const { offset } = await skipLines(file, all.lines - lines);
  return { offset, missing: 0 };
}

/** Where the first `wanted` lines end, and how many there were. */
async function skipLines(file: LogFile, wanted: number): Promise<{ offset: number; lines: number }> {
  const block = Buffer.allocUnsafe(blockSize);
  let lines = 0;
  let offset = 0;
  for (let position = 0; lines < wanted;) {
    const bytesRead = await file.read(block, 0, block.length, position);
    if (bytesRead === 0) break;
    for (let at = block.indexOf(lineFeed); at >= 0 && at < bytesRead && lines < wanted;) {
      lines++;
      offset = position + at + 1;
      at = block.indexOf(lineFeed, at + 1);
    }
    position += bytesRead;
  }
  return { offset, lines };
}
