/**
 * One blob from a registry into the sink: streamed, bounded by its descriptor's size, continued with `Range` where a
 * connection broke, begun anew where what an earlier download left turns out to be wrong.
 * @module
 */
import { failure, isFailure } from "../../errors/mod.ts";
import type { Answer } from "./answer.ts";
import { isTransient, refusedFailure, truncatedFailure } from "./failures.ts";
import { isForeign } from "./manifest.ts";
import { refusalOf } from "./refusal.ts";
import { pause, pauseBefore, type RetryPolicy } from "./retry.ts";
import type { Session } from "./session.ts";
import type { BlobWriter, ContentSink, Descriptor } from "./types.ts";

/** What {@link downloadBlob} needs. */
export interface Download {
  readonly session: Session;
  readonly descriptor: Descriptor;
  readonly sink: ContentSink;
  readonly retry: RetryPolicy;
  readonly signal?: AbortSignal;
  /** Called for every chunk with the bytes that are there. */
  readonly onProgress?: (current: number) => void;
  /** Called before a pause of so many milliseconds. */
  readonly onRetry?: (ms: number) => void;
  /** Called when the last byte is there, before the digest is checked. */
  readonly onReceived?: () => void;
}

/** A download that got so much further than the last time, in bytes, may fail as often again. */
const worthwhile = 1024 * 1024;

/**
 * Downloads the blob and commits it. What was received is kept when it fails, so that the next download continues,
 * unless it is known to be wrong. Fails with `digest-mismatch`, the registry's refusal, `registry-unreachable`, or the
 * signal's reason.
 */
export async function downloadBlob(download: Download): Promise<void> {
  if ((await attempt(download)) === "committed") return;
  // What an earlier download left does not belong to this blob, or the server cannot continue it: once from the start.
  if ((await attempt(download)) === "committed") return;
  const message = `the content store kept a part of ${download.descriptor.digest} that it was told to drop`;
  throw failure("internal", { message });
}

/** One writer's life. Resolves with `stale` after throwing away leftovers that made it fail. */
async function attempt(download: Download): Promise<"committed" | "stale"> {
  const { descriptor, sink } = download;
  const writer = await sink.writer(descriptor.digest, descriptor.size);
  try {
    if (writer.offset > descriptor.size) throw new Stale();
    await receive(download, writer);
  } catch (error) {
    await writer.abort(!(error instanceof Stale));
    if (error instanceof Stale) return "stale";
    throw error;
  }
  download.onReceived?.();
  try {
    await writer.commit();
    return "committed";
  } catch (error) {
    if (isFailure(error, "digest-mismatch") && writer.offset > 0) return "stale";
    throw error;
  }
}

/** Marks leftovers that can't be continued. It never leaves this file. */
class Stale {}

/** Fills the writer up to the descriptor's size, however many connections that takes. */
async function receive(download: Download, writer: BlobWriter): Promise<void> {
  const { descriptor, retry, signal } = download;
  const state: Position = { at: writer.offset, first: writer.offset };
  let failures = 0;
  let milestone = state.at;
  while (state.at < descriptor.size)
    try {
      await transfer(download, writer, state);
    } catch (error) {
      if (state.at - milestone >= worthwhile) failures = 0;
      milestone = state.at;
      failures += 1;
      if (failures >= retry.attempts || !isTransient(error)) throw error;
      const ms = pauseBefore(failures, retry, error);
      download.onRetry?.(ms);
      await pause(ms, signal);
    }
}

interface Position {
  /** Bytes that the writer has. */
  at: number;
  /** Bytes that it had at first, from an earlier download. */
  readonly first: number;
}

/** One connection's worth: asks for the rest and writes what comes. */
async function transfer(download: Download, writer: BlobWriter, state: Position): Promise<void> {
  const { descriptor, onProgress } = download;
  const answer = await ask(download, state.at);
  let skip = await skippedBytes(answer, descriptor.size, state);
  for await (const chunk of answer.chunks()) {
    const fresh = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - fresh.length;
    if (state.at + fresh.length > descriptor.size)
      throw refusedFailure(
        answer.url,
        `the blob is longer than the ${descriptor.size} bytes of its descriptor`,
      );
    if (fresh.length === 0) continue;
    await writer.write(fresh);
    state.at += fresh.length;
    onProgress?.(state.at);
  }
  if (state.at < descriptor.size) throw truncatedFailure(answer.url);
}

/** Sends the request; resolves with an answer that has content. */
async function ask({ session, descriptor, signal }: Download, from: number): Promise<Answer> {
  const answer = await session.blob(descriptor.digest, from, signal);
  if (hasContent(answer)) return answer;
  const elsewhere = isForeign(descriptor) ? (descriptor.urls ?? []) : [];
  const refusal = await refusalOf(answer, {
    ...session.reference,
    tag: undefined,
    digest: descriptor.digest,
  });
  if (answer.status !== 404 || elsewhere.length === 0) throw refusal;
  for (const url of elsewhere) {
    const other = await session.foreignBlob(url, from, signal);
    if (hasContent(other)) return other;
    await other.discard();
  }
  throw refusal;
}

function hasContent({ status }: Answer): boolean {
  return status === 200 || status === 206 || status === 416;
}

/**
 * How many bytes of the answer the writer has already: none if the server honoured `Range`, all of them if it sends
 * the blob from its start.
 */
async function skippedBytes(answer: Answer, size: number, { at, first }: Position): Promise<number> {
  const stale = async (): Promise<unknown> => {
    await answer.discard();
    return first > 0
      ? new Stale()
      : refusedFailure(answer.url, "it answered with a range that was not asked for");
  };
  if (answer.status === 416) throw await stale();
  if (answer.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers.get("content-range") ?? "");
    if (range === null || Number(range[1]) !== at) throw await stale();
    if (range[2] === "*" || Number(range[2]) === size) return 0;
  } else if ((answer.length ?? size) === size) return at;
  await answer.discard();
  throw refusedFailure(answer.url, `the blob does not have the ${size} bytes of its descriptor`);
}
