/**
 * The content of a regular file: a small one is made by a single operation, a larger one is written as its pieces come
 * in, a sparse one only where it has data.
 * @module
 */
import type { TarEntry } from "../image/mod.ts";
import { failure } from "../errors/mod.ts";
import { bytes, close, CWD, flags, O, octal, type Bytes } from "../kernel/mod.ts";
import type { Pipeline } from "./pipeline.ts";

/** Files up to this many bytes are held in memory as a whole. */
const smallFile = 64 << 10;
/** Bytes of one write. */
const largestPiece = 64 << 10;

const how = flags(O, "WRONLY", "CREAT", "EXCL", "NOFOLLOW", "CLOEXEC");
const nothing = bytes(new Uint8Array(0), "0 bytes");

/**
 * Adds the file `name` of the working directory with the entry's content; it must not be there. `slot` is the number of
 * the session's slot for a file. Undefined if there is nothing to wait for.
 */
export function fillFile(
  pipeline: Pipeline,
  slot: number,
  name: string | Bytes,
  entry: TarEntry,
  label: string,
): Promise<void> | undefined {
  if (entry.size === 0) {
    whole(pipeline, name, entry.mode, nothing, label);
    return undefined;
  }
  if (entry.sparse !== undefined || entry.storedSize > smallFile)
    return inPieces(pipeline, slot, name, entry, label);
  return small(pipeline, name, entry, label);
}

function whole(pipeline: Pipeline, name: string | Bytes, mode: number, content: Bytes, label: string): void {
  // The types of the builder know paths as text; a name that isn't UTF-8 goes by its bytes.
  const args = [CWD, name, content, how, octal(mode & 0o777), 0] as const;
  pipeline.builder.composite(label, "write", args);
  pipeline.count(1, content.value.length);
}

async function small(
  pipeline: Pipeline,
  name: string | Bytes,
  entry: TarEntry,
  label: string,
): Promise<void> {
  const content = pipeline.room(entry.storedSize);
  let filled = 0;
  for await (const chunk of entry.body) {
    content.set(chunk, filled);
    filled += chunk.length;
  }
  whole(pipeline, name, entry.mode, bytes(content, `${content.length} bytes`), label);
}

async function inPieces(
  pipeline: Pipeline,
  slot: number,
  name: string | Bytes,
  entry: TarEntry,
  label: string,
): Promise<void> {
  pipeline.builder.call(label, "openat", [CWD, name, how, octal(entry.mode & 0o777)], {
    into: pipeline.slot(slot),
  });
  pipeline.count(1);
  await writePieces(pipeline, slot, entry, label);
  close(pipeline.builder, pipeline.slot(slot));
  pipeline.count(1);
}

/** Adds writing the entry's content to the new file in the slot, piece by piece. */
export async function writePieces(
  pipeline: Pipeline,
  slot: number,
  entry: TarEntry,
  label: string,
): Promise<void> {
  const { sparse, size } = entry;
  const runs = (sparse ?? [{ offset: 0, length: entry.storedSize }]).values();
  if (sparse !== undefined) {
    pipeline.builder.call(`${label}: length`, "ftruncate", [pipeline.slot(slot), size]);
    pipeline.count(1);
  }
  let run = runs.next().value;
  let done = 0;
  for await (const chunk of entry.body) {
    for (let at = 0; at < chunk.length;) {
      if (run === undefined) throw failure("internal", { message: `${label}: more data than the map says` });
      const length = Math.min(chunk.length - at, run.length - done, largestPiece);
      const content = pipeline.room(length);
      content.set(chunk.subarray(at, at + length));
      const args = [pipeline.slot(slot), bytes(content, `${length} bytes`), length, run.offset + done];
      pipeline.expect(pipeline.builder.call(label, "pwrite64", args), length, label);
      pipeline.count(1, length);
      await pipeline.next();
      at += length;
      done += length;
      if (done === run.length) {
        run = runs.next().value;
        done = 0;
      }
    }
  }
}
