/**
 * One request and its answer, as handlers see them.
 * @module
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Socket } from "node:net";
import type { Engine } from "../engine/mod.ts";
import { answerOf } from "./errors.ts";
import { eventLine } from "./event-line.ts";
import type { Inflow } from "./inflow.ts";
import type { Log } from "./log.ts";
import { Query } from "./query.ts";
import { apiVersion, serverVersion } from "./versions.ts";

/** How the connection may be taken over; see {@link takeOver} in hijack.ts. */
export type ConnectionMode =
  /** An ordinary request, perhaps one of many on its connection. */
  | "plain"
  /** The client asked for an upgrade. */
  | "upgrade"
  /** The client asked for a stream without the word upgrade, as the first thing on its connection. */
  | "raw";

/** The headers that every answer of the API has. */
export const engineHeaders: Readonly<Record<string, string>> = {
  "Api-Version": apiVersion,
  "Docker-Experimental": "false",
  Ostype: "linux",
  Server: `Docker/${serverVersion} (linux)`,
};

/** Those that are known before the version is. */
const unversionedHeaders: Readonly<Record<string, string>> = {
  "Api-Version": apiVersion,
  Ostype: "linux",
  Server: `Docker/${serverVersion} (linux)`,
};

const lineEnd = Buffer.from("\r\n");

/** What a request was dispatched with. */
export interface Dispatch {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly engine: Engine;
  readonly log: Log;
  readonly mode: ConnectionMode;
  /** What follows the headers, unless the mode is plain: then the request itself is its body. */
  readonly inflow?: Inflow;
}

/** A request with its parameters, and the ways to answer it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly engine: Engine;
  readonly log: Log;
  readonly mode: ConnectionMode;
  readonly inflow: Inflow | undefined;
  /** 1.NN as NN. */
  readonly version: number;
  readonly #search: string;
  readonly #captures: readonly string[];
  #form: string | undefined;
  #query: Query | undefined;
  #gone: AbortController | undefined;
  /** Where chunks of an answer of unknown length are written: node's own way costs three writes and a copy for each. */
  #chunks: Socket | null = null;

  constructor(dispatch: Dispatch, version: number, search: string, captures: readonly string[]) {
    this.request = dispatch.request;
    this.response = dispatch.response;
    this.engine = dispatch.engine;
    this.log = dispatch.log;
    this.mode = dispatch.mode;
    this.inflow = dispatch.inflow;
    this.version = version;
    this.#search = search;
    this.#captures = captures;
  }

  /** What the path names: a container, an image, an exec. */
  get name(): string {
    return this.#captures[0] ?? "";
  }

  get query(): Query {
    return (this.#query ??= new Query(this.#search, this.#form));
  }

  /** Gives the fields of a form, before the query is first asked for. */
  addForm(form: string): void {
    this.#form = form;
  }

  /**
   * Fires when the client has gone, or has closed its half, before the answer is finished: then nobody will read more
   * of an endless one. (Go's server cancels the request's context in both cases too.)
   */
  get signal(): AbortSignal {
    if (this.#gone !== undefined) return this.#gone.signal;
    const gone = new AbortController();
    this.#gone = gone;
    const { response } = this;
    const socket = this.request.socket as Socket | null;
    const leave = (): void => {
      if (!response.writableFinished) gone.abort();
    };
    response.once("close", leave);
    socket?.once("end", leave);
    response.once("finish", () => socket?.off("end", leave));
    if (socket === null || socket.destroyed || socket.readableEnded) gone.abort();
    return gone.signal;
  }

  json(status: number, value: unknown): void {
    const body = `${JSON.stringify(value)}\n`;
    this.#whole(status, "application/json", body);
  }

  text(status: number, body: string): void {
    this.#whole(status, "text/plain; charset=utf-8", body);
  }

  /** An answer without a body: 204 and 304 have no length either. */
  empty(status: number): void {
    this.#head(status, status === 204 || status === 304 ? {} : { "Content-Length": 0 });
    this.response.end();
  }

  /** An answer that is headers alone. */
  headers(headers: OutgoingHttpHeaders): void {
    this.#head(200, headers);
    this.response.end();
  }

  /** Begins an answer of unknown length; the headers are sent now, whenever the first byte may come. */
  begin(status: number, type: string, headers: OutgoingHttpHeaders = {}): void {
    const { request, response } = this;
    this.#head(status, { "Content-Type": type, ...headers });
    response.flushHeaders();
    const chunked = request.httpVersionMinor > 0 && !("Content-Length" in headers);
    // Without a socket it waits for the answer to an earlier request.
    if (chunked && this.mode === "plain" && request.method !== "HEAD") this.#chunks = response.socket;
  }

  /**
   * Writes to an answer that was begun and waits while the client is slower; resolves to false once it has gone. Bytes that are
   * `shared` with other answers, and don't change, are made a chunk once.
   */
  async write(chunk: string | Uint8Array, shared = false): Promise<boolean> {
    const { response } = this;
    const writer = this.#chunks ?? response;
    if (response.destroyed || writer.destroyed) return false;
    if (chunk.length === 0) return true;
    if (
      writer === response
        ? this.#writePart(chunk)
        : writer.write(shared ? sharedChunkOf(chunk) : chunkOf(chunk))
    )
      return true;
    return new Promise((resolve) => {
      const drained = (): void => {
        writer.off("close", left);
        resolve(true);
      };
      const left = (): void => {
        writer.off("drain", drained);
        resolve(false);
      };
      writer.once("drain", drained).once("close", left);
    });
  }

  #writePart(part: string | Uint8Array): boolean {
    let taken = false;
    this.#atOnce(() => (taken = this.response.write(part)));
    return taken;
  }

  /**
   * Sends a stream as the answer; the stream is destroyed when the client goes. An endless one may have nothing to say
   * for long, so there the client's half of the connection tells whether it is still interested.
   */
  async stream(
    type: string,
    source: Readable,
    endless: boolean,
    headers: OutgoingHttpHeaders = {},
  ): Promise<void> {
    this.begin(200, type, headers);
    const stop = (): void => void source.destroy();
    source.on("error", (error) => this.log.debug("a streamed answer broke off", { error }));
    this.response.once("close", stop);
    if (endless) {
      this.signal.addEventListener("abort", stop, { once: true });
      if (this.signal.aborted) stop();
    }
    try {
      for await (const chunk of source) if (!(await this.write(chunk as Uint8Array, endless))) return;
      this.response.end();
    } catch {
      // The headers are gone: breaking the connection off is the only way to say that the answer isn't whole.
      this.response.destroy();
    } finally {
      source.destroy();
    }
  }

  /** Sends JSON values as they come, each on a line that ends as Docker's does. */
  async lines(values: AsyncIterable<object>, ending: "\n" | "\r\n"): Promise<void> {
    for await (const value of values) if (!(await this.write(`${eventLine(value)}${ending}`))) return;
  }

  /** Answers with an error; after the answer has begun, breaks it off. */
  fail(error: unknown): void {
    const { status, message, headers, plain } = answerOf(
      error,
      `${this.request.method} ${this.request.url}`,
      this.log,
      this.engine,
    );
    if (this.response.headersSent) {
      if (!this.response.writableEnded) this.response.destroy();
      return;
    }
    if (status === 304) return this.empty(304);
    const body = plain ? `${message}\n` : `${JSON.stringify({ message })}\n`;
    this.#whole(status, plain ? "text/plain; charset=utf-8" : "application/json", body, {
      ...(headers === "none" ? {} : headers === "all" ? engineHeaders : unversionedHeaders),
      ...(plain ? { "X-Content-Type-Options": "nosniff" } : {}),
    });
  }

  /** Writes the last of an answer that was begun, and its end. */
  end(last: string): void {
    this.#atOnce(() => this.response.end(last));
  }

  #whole(status: number, type: string, body: string, headers: OutgoingHttpHeaders = engineHeaders): void {
    const length = Buffer.byteLength(body);
    this.#atOnce(() => {
      this.response.writeHead(status, { ...headers, "Content-Type": type, "Content-Length": length });
      this.response.end(body);
    });
  }

  /** What `write` writes goes out in one write(2), which wakes the client once. */
  #atOnce(write: () => void): void {
    const { socket } = this.response;
    socket?.cork();
    write();
    socket?.uncork();
  }

  #head(status: number, headers: OutgoingHttpHeaders): void {
    this.response.writeHead(status, { ...engineHeaders, ...headers });
  }
}

/** RFC 9112, 7.1. */
function chunkOf(data: string | Uint8Array): string | Uint8Array {
  if (typeof data === "string") return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, lineEnd]);
}

const sharedChunks = new WeakMap<Uint8Array, string | Uint8Array>();

function sharedChunkOf(data: string | Uint8Array): string | Uint8Array {
  if (typeof data === "string") return chunkOf(data);
  const known = sharedChunks.get(data);
  if (known !== undefined) return known;
  const chunk = chunkOf(data);
  sharedChunks.set(data, chunk);
  return chunk;
}
