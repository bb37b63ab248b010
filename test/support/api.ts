/**
 * Containers for a test, made as an SDK makes them: over connections that are kept.
 * @module
 */
import { Agent, request } from "node:http";
import type { TestEngine } from "./engine.ts";

/** What an engine answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** How a container's run ended: it ran, or it couldn't be started. */
export interface ApiRun {
  readonly id: string;
  /** Undefined if it was not started. */
  readonly code?: number;
  /** The error of the start. */
  readonly refused?: string;
  readonly output: string;
}

/** A client of the engine at a socket that keeps its connections. */
export class ApiClient implements Disposable {
  readonly #agent: Agent;
  readonly #socket: string;

  constructor({ socket }: Pick<TestEngine, "socket">, connections = 4) {
    this.#socket = socket;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** One request, with an object as JSON or an archive; `patience` ms without its whole answer is an error. */
  call(method: string, path: string, body?: object | Uint8Array, patience = 60_000): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const raw = body instanceof Uint8Array;
      const payload = body === undefined ? "" : raw ? body : JSON.stringify(body);
      const type =
        body === undefined ? {} : { "Content-Type": raw ? "application/x-tar" : "application/json" };
      const headers = { ...type, "Content-Length": Buffer.byteLength(payload) };
      const options = { socketPath: this.#socket, agent: this.#agent, method, path, headers };
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          clearTimeout(hang);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") });
        });
        response.on("error", reject);
      });
      const hang = setTimeout(
        () => outgoing.destroy(new Error(`${method} ${path}: no answer in ${patience} ms`)),
        patience,
      );
      outgoing.on("error", (error) => {
        clearTimeout(hang);
        reject(error);
      });
      outgoing.end(payload);
    });
  }

  /** Makes a container, starts it, waits for its end, reads its output and removes it. */
  async run(body: object): Promise<ApiRun> {
    const created = await this.call("POST", "/containers/create", body);
    if (created.status !== 201) throw new Error(`create: ${created.status} ${created.text}`);
    const { Id: id } = JSON.parse(created.text) as { Id: string };
    const started = await this.call("POST", `/containers/${id}/start`);
    let end: { code?: number; refused?: string; output: string };
    if (started.status === 204) {
      const waited = await this.call("POST", `/containers/${id}/wait`);
      const { StatusCode: code } = JSON.parse(waited.text) as { StatusCode: number };
      const logs = await this.call("GET", `/containers/${id}/logs?stdout=1&stderr=1`);
      end = { code, output: withoutFrames(logs.text) };
    } else {
      end = { refused: (JSON.parse(started.text) as { message: string }).message, output: "" };
    }
    await this.call("DELETE", `/containers/${id}?force=1`);
    return { id, ...end };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** What a log says without its frames' headers, for text that has none of the first bytes of one. */
export function withoutFrames(framed: string): string {
  // oxlint-disable-next-line no-control-regex
  return framed.replaceAll(/[\u0001\u0002]\0{3}[\s\S]{4}/g, "");
}
