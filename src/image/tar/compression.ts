/**
 * Compressed archives: which compression it is by its first bytes, and the stream without it.
 * @module
 */
import type { ChildProcess } from "node:child_process";
import type { Duplex, Writable } from "node:stream";
import { failure, messageOf } from "../../errors/mod.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** Compressions that archives come in. */
export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

/** A stream with its compression taken away. */
export interface Decompressed {
  readonly compression: Compression;
  readonly stream: AsyncIterable<Uint8Array>;
}

/** How a stream is decompressed. */
export interface DecompressOptions {
  /** Names the archive in errors. */
  readonly what: string;
  /** Bytes that may come out; beyond them `bad-archive` is thrown. */
  readonly limit?: number;
}

/** Bytes that {@link detectCompression} has to see. */
const headSize = 6;
const chunkSize = 256 * 1024;
const programs = {
  bzip2: { program: "bzip2", package: "bzip2" },
  xz: { program: "xz", package: "xz-utils" },
} as const;
/** Programs of the host, never of an image; not by the caller's PATH either. */
const programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The compression by a stream's first bytes, at least six unless it is shorter. */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (...magic: number[]): boolean => magic.every((byte, i) => head[i] === byte);
  if (starts(0x1f, 0x8b, 0x08)) return "gzip";
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  // A zstd stream may start with a skippable frame (RFC 8878, section 3.1.2).
  if (((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18)
    return "zstd";
  if (starts(0x42, 0x5a, 0x68)) return "bzip2";
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  return "none";
}

/**
 * Takes the compression away, if there is one: gzip of any number of members, zstd of any number of frames, and bzip2
 * and xz by the host's programs. The stream throws `bad-archive` for damaged data and `missing-program` without the
 * program.
 */
export async function decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions,
): Promise<Decompressed> {
  const { head, rest } = await peek(source, headSize);
  const compression = detectCompression(head);
  const plain = plainStream(rest, compression, options.what);
  const stream = options.limit === undefined ? plain : limitBytes(plain, options.limit, options.what);
  return { compression, stream };
}

/** Passes the stream on and throws `bad-archive` once it is longer than `limit` bytes. */
export async function* limitBytes(
  source: AsyncIterable<Uint8Array>,
  limit: number,
  what: string,
): AsyncGenerator<Uint8Array, void, void> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > limit) throw failure("bad-archive", { what, reason: `it holds more than ${limit} bytes` });
    yield chunk;
  }
}

function plainStream(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  what: string,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "none":
      return source;
    case "gzip":
    case "zstd":
      return inflate(source, compression, what);
    case "bzip2":
    case "xz":
      return filter(source, compression, what);
  }
}

async function* inflate(
  source: AsyncIterable<Uint8Array>,
  compression: "gzip" | "zstd",
  what: string,
): AsyncGenerator<Uint8Array, void, void> {
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  const inflater: Duplex =
    compression === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  const frames = compression === "zstd" ? new ZstdFrames() : undefined;
  const fed = feed(source, inflater, frames);
  try {
    for await (const chunk of inflater as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw fed.failed() ? fed.error() : failure("bad-archive", { what, reason: messageOf(error) }, error);
  }
  if (fed.failed()) throw fed.error();
  if (frames?.complete === false) throw failure("bad-archive", { what, reason: "unexpected end of file" });
}

interface Feeding {
  failed(): boolean;
  error(): unknown;
}

/** Lets the stream take from `source`; keeps the source's own error apart from those about its content. */
function feed(source: AsyncIterable<Uint8Array>, into: Writable, frames?: ZstdFrames): Feeding {
  let failed = false;
  let cause: unknown;
  const run = async (): Promise<void> => {
    try {
      for await (const chunk of source) {
        if (into.destroyed) return;
        frames?.update(chunk);
        if (!into.write(chunk)) await drained(into);
      }
      into.end();
    } catch (error) {
      failed = true;
      cause = error;
      into.destroy(error instanceof Error ? error : new TypeError(String(error)));
    }
  };
  void run();
  return { failed: () => failed, error: () => cause };
}

/** Resolves when the stream takes more, or won't ever. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
}

async function* filter(
  source: AsyncIterable<Uint8Array>,
  compression: "bzip2" | "xz",
  what: string,
): AsyncGenerator<Uint8Array, void, void> {
  const { spawn } = await import("node:child_process");
  const { program } = programs[compression];
  const child = spawn(program, ["-dc"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: programPath },
    cwd: "/",
  });
  const ended = exit(child, compression, what);
  // The error is thrown below, when what came out before it was taken.
  ended.catch(() => undefined);
  // A program that died leaves a broken pipe; why it died says more.
  child.stdin.on("error", () => undefined);
  const fed = feed(source, child.stdin);
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) yield chunk;
    await ended;
  } catch (error) {
    throw fed.failed() ? fed.error() : error;
  } finally {
    if (child.exitCode === null) child.kill("SIGKILL");
  }
}

function exit(child: ChildProcess, compression: "bzip2" | "xz", what: string): Promise<void> {
  const { program, package: name } = programs[compression];
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    if (complaint.length < 1000) complaint += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      const params = { program, purpose: `decompress ${what}`, package: name };
      reject(failure("missing-program", params, error));
    });
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(failure("bad-archive", { what, reason: complaint.trim() || `${program}: ${signal ?? code}` }));
    });
  });
}

/** The first `size` bytes, fewer if there are no more, and the stream with them put back. */
async function peek(
  source: AsyncIterable<Uint8Array>,
  size: number,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const taken: Uint8Array[] = [];
  let length = 0;
  let done = false;
  while (length < size && !done) {
    const next = await iterator.next();
    if (next.done === true) done = true;
    else {
      taken.push(next.value.slice());
      length += next.value.length;
    }
  }
  const head = Buffer.concat(taken);
  async function* rest(): AsyncGenerator<Uint8Array, void, void> {
    try {
      if (head.length > 0) yield head;
      while (!done) {
        const next = await iterator.next();
        if (next.done === true) done = true;
        else yield next.value;
      }
    } finally {
      if (!done) await iterator.return?.();
    }
  }
  return { head: head.subarray(0, size), rest: rest() };
}
