/**
 * Files as streams, with Go's words when they can't be opened.
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { commandFailed } from "./failure-text.ts";
import { fileProblem } from "./file-problem.ts";
import { inputOn, outputOn } from "./output.ts";

/** The bytes of a file. @throws command-failed when it can't be opened, at once */
export function readFileStream(path: string): AsyncIterable<Uint8Array> {
  const fd = open(path, "r");
  return closing(inputOn(fd), fd);
}

/** Writes `bytes` to a file that is made or emptied. @throws command-failed when it can't be opened */
export async function writeFileStream(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const fd = open(path, "w");
  try {
    const output = outputOn(fd);
    for await (const piece of bytes) await output.bytes(piece);
  } finally {
    closeSync(fd);
  }
}

function open(path: string, flags: "r" | "w"): number {
  try {
    return openSync(path, flags, 0o666);
  } catch (error) {
    throw commandFailed(fileProblem("open", path, error), error);
  }
}

async function* closing(source: AsyncIterable<Uint8Array>, fd: number): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } finally {
    closeSync(fd);
  }
}
