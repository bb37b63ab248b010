/**
 * For tests of this folder: an engine of which a test writes only what it needs, an API on a socket of its own, and
 * clients that see bytes.
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../engine/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import { listen } from "./listener.ts";
import type { Log } from "./log.ts";
import { createRouter } from "./routes/mod.ts";
import { createApiServer, type ApiServer } from "./server.ts";

/** The parts that a test writes. */
export type EngineParts = { readonly [K in keyof Engine]?: Partial<Engine[K]> };

const parts = ["containers", "execs", "files", "images", "volumes", "networks", "events", "system"] as const;

/** An engine whose other methods answer 501 with their name. */
export function fakeEngine(given: EngineParts): Engine {
  const engine: Record<string, unknown> = {
    idle: () => true,
    close: async () => {},
    reload: () => [],
    ...given,
  };
  for (const part of parts) {
    const methods = (given[part] ?? {}) as Record<string, unknown>;
    engine[part] = new Proxy(methods, {
      get: (_, name) =>
        methods[String(name)] ??
        (() => {
          throw failure("not-implemented", { what: `${part}.${String(name)}` });
        }),
    });
  }
  return engine as unknown as Engine;
}

/** The text that a promise is rejected with; says so if it isn't. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "not refused", messageOf);
}

/** A log that keeps its lines. */
export function listLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const add =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level} ${message}`);
  return {
    lines,
    debug: add("debug"),
    info: add("info"),
    warn: add("warn"),
    error: add("error"),
    setLevel: add("level"),
  };
}

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An API over a fake engine, at a socket in a directory of its own. */
export interface TestApi extends AsyncDisposable {
  readonly path: string;
  readonly server: ApiServer;
  readonly log: Log & { readonly lines: string[] };
  /** Asks by Node's client; a body that isn't text or bytes is sent as JSON. */
  ask(method: string, url: string, body?: unknown, headers?: OutgoingHttpHeaders): Promise<Answer>;
  /** Opens a connection and sends bytes. */
  open(bytes: string): TestConnection;
}

/** Starts the API. */
export async function startApi(given: EngineParts): Promise<TestApi> {
  const directory = await mkdtemp(join(tmpdir(), "api-"));
  const path = join(directory, "s");
  const log = listLog();
  const server = createApiServer({ router: createRouter(), log });
  const accept = server.behind({ host: "test", engine: fakeEngine(given) });
  const listener = await listen(path, accept, undefined);
  return {
    path,
    server,
    log,
    ask: (method, url, body, headers) => ask(path, method, url, body, headers),
    open: (bytes) => new TestConnection(path, bytes),
    [Symbol.asyncDispose]: async () => {
      server.close();
      await listener.close();
      await rm(directory, { recursive: true });
    },
  };
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const isJson = body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array);
  const bytes = isJson ? JSON.stringify(body) : (body as string | Uint8Array | undefined);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: {
          ...(isJson ? { "Content-Type": "application/json" } : {}),
          ...(bytes === undefined ? {} : { "Content-Length": Buffer.byteLength(bytes) }),
          ...headers,
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(bytes);
  });
}

/** A connection as bytes. */
export class TestConnection {
  readonly socket: Socket;
  #received = "";
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(path: string, bytes: string) {
    this.socket = connect({ path, allowHalfOpen: true });
    this.socket.write(bytes, "latin1");
    this.socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      this.#stir();
    });
    const end = (): void => {
      this.#ended = true;
      this.#stir();
    };
    this.socket.on("end", end).on("close", end).on("error", end);
  }

  /** Everything that has come. */
  get received(): string {
    return this.#received;
  }

  /** Waits until `text` has come. */
  async until(text: string): Promise<string> {
    while (!this.#received.includes(text)) {
      if (this.#ended) return this.#received;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return this.#received;
  }

  /** Waits for the server's end and gives everything that has come. */
  async ended(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.#received;
  }

  send(bytes: string): void {
    this.socket.write(bytes, "latin1");
  }

  /** Closes this half. */
  end(): void {
    this.socket.end();
  }

  #stir(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
