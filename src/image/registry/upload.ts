/**
 * Uploads one blob (distribution spec, "Pushing Blobs"): nothing is sent that the registry has, or that it can take from
 * another of its repositories. What breaks off goes on where the registry says that it stopped.
 * @module
 */
import type { Answer } from "./answer.ts";
import { isTransient, refusedFailure, timeoutFailure } from "./failures.ts";
import { pushRefusalOf } from "./refusal.ts";
import { pause, pauseBefore, type RetryPolicy } from "./retry.ts";
import type { Session } from "./session.ts";
import type { Descriptor } from "./types.ts";

/** A blob to be uploaded. */
export interface BlobUpload {
  readonly session: Session;
  readonly descriptor: Descriptor;
  /** The blob's bytes from `offset` on. */
  readonly open: (offset: number) => AsyncIterable<Uint8Array>;
  /** Other repositories of the registry that may have it. */
  readonly sources: readonly string[];
  readonly retry: RetryPolicy;
  readonly signal?: AbortSignal;
  /** So many bytes are sent. */
  readonly onProgress?: (current: number) => void;
  /** There is a pause of `ms` milliseconds before the next attempt. */
  readonly onRetry?: (ms: number) => void;
}

/** What became of it; `mounted` with the repository that had it. */
export type UploadOutcome =
  | { readonly kind: "present" }
  | { readonly kind: "uploaded" }
  | { readonly kind: "mounted"; readonly from: string };

/** Milliseconds in which some of the body must be taken, and then the answer must come. */
const stall = 120_000;
/** As long as the body is moving the answer may be this late. */
const patience = 24 * 60 * 60 * 1000;
/** Repositories that are tried, and no more: each is a request. */
const mostSources = 3;

/** Uploads the blob. Fails with `registry-refused` in the registry's words, or `registry-unreachable`. */
export async function uploadBlob(upload: BlobUpload): Promise<UploadOutcome> {
  const { session, descriptor, signal } = upload;
  const known = await session.send({
    method: "HEAD",
    path: `blobs/${descriptor.digest}`,
    actions: "pull,push",
    signal,
  });
  await known.discard();
  if (known.status === 200) return { kind: "present" };
  let place: URL | undefined;
  for (const source of upload.sources.slice(0, mostSources)) {
    const from = await mount(upload, source);
    if (from === "mounted") return { kind: "mounted", from: source };
    place = from;
    if (place !== undefined) break;
  }
  await new Sending(upload, place).run();
  return { kind: "uploaded" };
}

/** A blob on its way, with what is known of how far it got. */
class Sending {
  readonly #upload: BlobUpload;
  #place: URL | undefined;
  /** Whether something was sent to the place, which then has a part of the blob. */
  #touched = false;

  constructor(upload: BlobUpload, place: URL | undefined) {
    this.#upload = upload;
    this.#place = place;
  }

  async run(): Promise<void> {
    const { retry, signal, onRetry } = this.#upload;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await finish(this.#upload, await this.#sendRest());
        return;
      } catch (error) {
        signal?.throwIfAborted();
        if (attempt >= retry.attempts || !isTransient(error)) throw error;
        const ms = pauseBefore(attempt, retry, error);
        onRetry?.(ms);
        await pause(ms, signal);
      }
    }
  }

  /** Sends what the registry doesn't have yet; where the upload is to be finished. */
  async #sendRest(): Promise<URL> {
    const upload = this.#upload;
    const got = this.#place === undefined || !this.#touched ? 0 : await offsetOf(upload, this.#place);
    if (this.#place === undefined || got === undefined) {
      this.#place = await begin(upload);
      this.#touched = false;
    }
    const offset = got ?? 0;
    if (offset < upload.descriptor.size || offset === 0) {
      this.#touched = true;
      this.#place = await nextPlace(upload.session, await sendBody(upload, this.#place, offset), 202);
    }
    return this.#place;
  }
}

/** Asks for the blob of `source`; resolves to the place of an upload that the registry offers instead, if it does. */
async function mount(
  { session, descriptor, signal }: BlobUpload,
  source: string,
): Promise<URL | "mounted" | undefined> {
  const query = new URLSearchParams({ mount: descriptor.digest, from: source });
  const answer = await session.send({
    method: "POST",
    path: `blobs/uploads/?${query.toString()}`,
    actions: "pull,push",
    source,
    signal,
  });
  await answer.discard();
  if (answer.status === 201) return "mounted";
  return answer.status === 202 ? session.placeOf(answer) : undefined;
}

async function begin({ session, signal }: BlobUpload): Promise<URL> {
  const answer = await session.send({
    method: "POST",
    path: "blobs/uploads/",
    actions: "pull,push",
    signal,
  });
  return nextPlace(session, answer, 202);
}

async function nextPlace(session: Session, answer: Answer, expected: number): Promise<URL> {
  if (answer.status !== expected) throw await pushRefusalOf(answer);
  const place = session.placeOf(answer);
  await answer.discard();
  return place;
}

async function sendBody(upload: BlobUpload, place: URL, offset: number): Promise<Answer> {
  const { session, descriptor, open, onProgress } = upload;
  const { size } = descriptor;
  const stop = new AbortController();
  let watch = setTimeout(() => undefined, 0);
  const alive = (): void => {
    clearTimeout(watch);
    watch = setTimeout(() => stop.abort(timeoutFailure(place)), stall);
  };
  let sent = offset;
  const source = open(offset)[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        alive();
        const { done, value } = await source.next();
        if (done === true) return controller.close();
        sent += value.length;
        onProgress?.(sent);
        controller.enqueue(Uint8Array.from(value));
      },
      cancel: async () => void (await source.return?.()),
    },
    { highWaterMark: 1 },
  );
  alive();
  try {
    return await session.sendTo(place, {
      method: "PATCH",
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(size - offset),
        ...(offset === 0 ? {} : { "content-range": `${offset}-${size - 1}` }),
      },
      body,
      patience,
      signal: upload.signal === undefined ? stop.signal : AbortSignal.any([upload.signal, stop.signal]),
    });
  } finally {
    clearTimeout(watch);
  }
}

/** How much of a broken upload the registry has; undefined if it has forgotten it. */
async function offsetOf(
  { session, descriptor, signal }: BlobUpload,
  place: URL,
): Promise<number | undefined> {
  const answer = await session.sendTo(place, { method: "GET", signal });
  await answer.discard();
  if (answer.status !== 204) return undefined;
  const last = /^(?:bytes=)?0-(\d+)$/.exec(answer.headers.get("range") ?? "")?.[1];
  const offset = last === undefined || last === "0" ? 0 : Number(last) + 1;
  return offset <= descriptor.size ? offset : undefined;
}

async function finish({ session, descriptor, signal }: BlobUpload, place: URL): Promise<void> {
  const { digest } = descriptor;
  const url = new URL(place);
  url.searchParams.set("digest", digest);
  const answer = await session.sendTo(url, {
    method: "PUT",
    headers: { "content-length": "0" },
    patience: stall,
    signal,
  });
  if (answer.status !== 201) throw await pushRefusalOf(answer);
  const stored = answer.headers.get("docker-content-digest");
  await answer.discard();
  if (stored !== null && stored !== digest)
    throw refusedFailure(url, `it stored ${stored} in the place of ${digest}`);
}
