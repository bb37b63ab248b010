/**
 * Requests to the engine: kept-alive connections, the API's version, JSON, streams and hijacked connections.
 * @module
 */
import { failure, isFailure, type CaissonError } from "../errors/mod.ts";
import type { Endpoint } from "./endpoint.ts";
import { serverError } from "./errors.ts";
import { readBody, readHead, reusable, sendRequest, type Payload, type ResponseHead } from "./http.ts";
import { dial, type Wire } from "./wire.ts";

/** The newest version of the API that this client speaks. */
export const maxVersion = "1.51";

/** Values of a query; what is undefined is left out, a list repeats its name. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Filters by name: each value is one that may match. */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** What goes with a request. */
export interface RequestOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: Payload;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the connection when it fires. */
  readonly signal?: AbortSignal;
}

/** An answer whose body is still to be read, once, by iterating `body`. */
export interface Reply extends ResponseHead {
  readonly body: AsyncGenerator<Uint8Array>;
}

/** A connection that was turned into two byte streams. Iterate `output`; `end` half-closes. */
export interface Hijacked {
  /** `application/vnd.docker.multiplexed-stream` or `…raw-stream`. */
  readonly contentType: string;
  readonly output: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
  close(): void;
}

const tooNew = /^client version \S+ is too new\. Maximum supported API version is (\d+\.\d+)/;

/** Sends requests to one engine. Starts with the newest version and takes a lower one when the engine says so. */
export class Transport {
  readonly endpoint: Endpoint;
  #version: string;
  #negotiated: boolean;
  #idle: Wire[] = [];

  /** @param version a version to hold on to, as DOCKER_API_VERSION names it */
  constructor(endpoint: Endpoint, version?: string) {
    this.endpoint = endpoint;
    this.#version = version ?? maxVersion;
    this.#negotiated = version !== undefined;
  }

  /** The version of the API in use; lower than {@link maxVersion} once an older engine has answered. */
  get version(): string {
    return this.#version;
  }

  /** Asks the engine for its version, for requests whose body can't be sent twice. */
  async negotiate(): Promise<void> {
    if (this.#negotiated) return;
    const reply = await this.#exchange("GET", "/_ping", {});
    for await (const piece of reply.body) void piece;
    const theirs = reply.headers.get("api-version");
    if (theirs !== undefined && older(theirs, this.#version)) this.#version = theirs;
    this.#negotiated = true;
  }

  /** Sends a request. @throws ServerError when the engine refuses */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Reply> {
    if (options.body !== undefined && !(options.body instanceof Uint8Array)) await this.negotiate();
    for (;;) {
      const reply = await this.#exchange(method, `/v${this.#version}${path}`, options);
      if (reply.status < 400) {
        this.#negotiated = true;
        return reply;
      }
      const refusal = await textOf(reply.body);
      const error = serverError(reply.status, reply.reason, refusal);
      const maximum = tooNew.exec(error.message)?.[1];
      if (this.#negotiated || maximum === undefined) {
        this.#negotiated = true;
        throw error;
      }
      this.#negotiated = true;
      this.#version = maximum;
    }
  }

  /** Sends a request and parses the JSON answer as `T`. */
  async json<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
    const reply = await this.send(method, path, options);
    return JSON.parse(await textOf(reply.body)) as T;
  }

  /** Sends a request whose answer says nothing; returns its status. */
  async call(method: string, path: string, options?: RequestOptions): Promise<number> {
    const reply = await this.send(method, path, options);
    for await (const piece of reply.body) void piece;
    return reply.status;
  }

  /** Sends a request that turns its connection into a raw one (attach, exec start, session). */
  async hijack(method: string, path: string, options: RequestOptions = {}): Promise<Hijacked> {
    await this.negotiate();
    const wire = await dial(this.endpoint);
    abortWith(wire, options.signal);
    const head = await this.#ask(wire, method, `/v${this.#version}${path}`, {
      ...options,
      headers: { ...options.headers, Connection: "Upgrade", Upgrade: "tcp" },
    });
    if (head === undefined) throw gone();
    if (head.status !== 101 && head.status !== 200) {
      const refusal = await textOf(readBody(wire, method, head));
      wire.close();
      throw serverError(head.status, head.reason, refusal);
    }
    return {
      contentType: head.headers.get("content-type") ?? "application/vnd.docker.raw-stream",
      output: untilEnd(wire),
      write: (bytes) => wire.write(bytes),
      end: () => wire.end(),
      close: () => wire.close(),
    };
  }

  /** A raw connection, as `system dial-stdio` needs it. */
  connect(): Promise<Wire> {
    return dial(this.endpoint);
  }

  /** Closes the connections that wait for another request. */
  close(): void {
    for (const wire of this.#idle.splice(0)) wire.close();
  }

  async #exchange(method: string, path: string, options: RequestOptions): Promise<Reply> {
    const kept = this.#keptAlive();
    if (kept !== undefined) {
      const reply = await this.#attempt(kept, method, path, options);
      if (reply !== undefined) return reply;
      // The engine may have closed a kept connection at this very moment. Asking again is safe only for reading.
      if (method !== "GET" && method !== "HEAD") throw gone();
    }
    const reply = await this.#attempt(await dial(this.endpoint), method, path, options);
    if (reply === undefined) throw gone();
    return reply;
  }

  async #attempt(
    wire: Wire,
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<Reply | undefined> {
    abortWith(wire, options.signal);
    const head = await this.#ask(wire, method, path, options);
    if (head !== undefined) return { ...head, body: this.#body(wire, method, head) };
    wire.close();
    return undefined;
  }

  /** The head of the answer, read while the body is still being sent: an engine may refuse before it has read it all. */
  async #ask(
    wire: Wire,
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<ResponseHead | undefined> {
    const headers: Record<string, string> = { ...options.headers };
    let body = options.body;
    if (options.json !== undefined) {
      headers["Content-Type"] = "application/json";
      body = new TextEncoder().encode(JSON.stringify(options.json));
    }
    const { endpoint } = this;
    const host = endpoint.kind === "tcp" ? `${endpoint.hostname}:${endpoint.port}` : "api.caisson";
    const head = { method, path: path + queryString(options.query), headers };
    let broken: unknown;
    const sending = sendRequest(wire, head, host, body).catch((error: unknown) => {
      broken = error;
      // Reading tells whether the engine has answered all the same.
      wire.end();
    });
    const answer = await readHead(wire);
    if (answer === undefined) {
      wire.close();
      await sending;
      if (broken !== undefined && !isFailure(broken, "unavailable")) throw broken;
    }
    return answer;
  }

  #keptAlive(): Wire | undefined {
    for (;;) {
      const wire = this.#idle.pop();
      if (wire === undefined || !wire.stale) return wire;
      wire.close();
    }
  }

  async *#body(wire: Wire, method: string, head: ResponseHead): AsyncGenerator<Uint8Array> {
    let complete = false;
    try {
      yield* readBody(wire, method, head);
      complete = true;
    } finally {
      if (complete && reusable(method, head) && !wire.stale) this.#idle.push(wire);
      else wire.close();
    }
  }
}

function gone(): CaissonError {
  return failure("unavailable", { message: "the engine closed the connection without an answer" });
}

function abortWith(wire: Wire, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (signal.aborted) wire.close();
  else signal.addEventListener("abort", () => wire.close(), { once: true });
}

function older(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split(".").map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(".").map(Number);
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor);
}

async function* untilEnd(wire: Wire): AsyncGenerator<Uint8Array> {
  for (let piece = await wire.read(); piece !== undefined; piece = await wire.read()) yield piece;
}

/** A whole body as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

/** `?a=1&b=2`, or nothing. False booleans are left out, as Docker's client does. */
export function queryString(query: Query | undefined): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === false) continue;
    const values = typeof value === "object" ? value : [value === true ? "1" : String(value)];
    for (const one of values) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** The query value of filters: `{"name":{"value":true}}`; undefined for none. */
export function filterQuery(filters: Filters | undefined): string | undefined {
  const names = Object.entries(filters ?? {});
  if (names.length === 0) return undefined;
  return JSON.stringify(
    Object.fromEntries(
      names.map(([name, values]) => [name, Object.fromEntries(values.map((v) => [v, true]))]),
    ),
  );
}
