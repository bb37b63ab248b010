/**
 * Where the last lines of a log begin, found from its end.
 * @module
 */
import type { FileHandle } from "node:fs/promises";

const blockSize = 64 * 1024;
const lineFeed = 0x0a;

/** Where to begin in a file, and how many lines older files must still give. */
export interface TailStart {
  readonly offset: number;
  readonly missing: number;
}

/**
 * Finds the last `lines` whole lines of the first `size` bytes. What follows the last line feed is not a line yet; it is
 * behind the offset, too.
 */
export async function findTail(handle: FileHandle, size: number, lines: number): Promise<TailStart> {
  const block = Buffer.allocUnsafe(Math.min(blockSize, Math.max(size, 1)));
  // The line feed that ends the line before them is sought.
  let left = lines + 1;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
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
