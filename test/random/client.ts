/**
 * One of those who use the engine at the same time: it sends, counts what it sent, and remembers it for a report.
 * @module
 */
import { Agent, request } from "node:http";
import { patience } from "../support/patience.ts";
import { send, type WireAnswer, type WireRequest } from "./wire.ts";

/** What an engine answered. */
export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** No answer takes longer, in ms. */
const longest = 90_000 * patience;
/** So many requests are told of when one goes wrong. */
const remembered = 12;

/** What is never right: the client can't have wanted it, and it may be the engine's end. */
export class Surprise extends Error {
  override readonly name: string = "Surprise";
}

/** A client of the engine at a socket, over a connection that it keeps. */
export class Client implements Disposable {
  readonly name: string;
  /** Requests that it has sent. */
  calls = 0;
  readonly #socket: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #past: string[] = [];

  constructor(name: string, socket: string) {
    this.name = name;
    this.#socket = socket;
  }

  /** A request, whose answer's status must be one of `allowed`. */
  async call(
    method: string,
    path: string,
    allowed: readonly number[],
    body?: object | Uint8Array,
  ): Promise<Reply> {
    const reply = await this.ask(method, path, body);
    if (!allowed.includes(reply.status)) throw this.surprise(`not one of ${allowed.join(", ")}`);
    return reply;
  }

  /** A request, whatever is answered: but no error of the engine's own. */
  async ask(method: string, path: string, body?: object | Uint8Array): Promise<Reply> {
    this.calls++;
    const reply = await this.#exchange(method, path, body);
    const sent = body === undefined || body instanceof Uint8Array ? "" : ` ${JSON.stringify(body)}`;
    this.#remember(`${method} ${path}${sent}: ${reply.status} ${reply.text.slice(0, 200).trim()}`);
    this.#judge(reply.status);
    return reply;
  }

  /** The same with a request of which the last byte is chosen; `shown` says what it was. */
  async wire(what: WireRequest, shown: string): Promise<WireAnswer> {
    this.calls++;
    const answer = await send(this.#socket, what);
    this.#remember(`${shown}: ${answer.status} ${answer.body.subarray(0, 200).toString("utf8").trim()}`);
    this.#judge(answer.status);
    return answer;
  }

  /** An error that tells what this client has done. */
  surprise(what: string): Surprise {
    return new Surprise(`${this.name}: ${what}, the last of\n  ${this.#past.join("\n  ")}`);
  }

  /** 501 is for what isn't supported, 503 for what needs a swarm. */
  #judge(status: number): void {
    if (status >= 500 && status !== 501 && status !== 503)
      throw this.surprise("an error of the engine's own");
  }

  #remember(line: string): void {
    this.#past.push(line);
    if (this.#past.length > remembered) this.#past.shift();
  }

  #exchange(method: string, path: string, body: object | Uint8Array | undefined): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const raw = body instanceof Uint8Array;
      const payload = body === undefined ? "" : raw ? body : JSON.stringify(body);
      const type =
        body === undefined ? {} : { "Content-Type": raw ? "application/x-tar" : "application/json" };
      const headers = { ...type, "Content-Length": Buffer.byteLength(payload) };
      const fail = (error: Error): void =>
        reject(this.surprise(`${method} ${path}: ${error.message}; it is not`));
      const options = { socketPath: this.#socket, agent: this.#agent, method, path, headers };
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          clearTimeout(hang);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") });
        });
        response.on("error", fail);
      });
      const hang = setTimeout(() => outgoing.destroy(new Error("no answer")), longest);
      outgoing.on("error", (error) => {
        clearTimeout(hang);
        fail(error);
      });
      outgoing.end(payload);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
