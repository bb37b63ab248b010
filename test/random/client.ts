/**
 * One of those who use the engine at the same time: it sends, counts what it sent, and remembers it for a report.
 * @module
 */
import { messageOf } from "../../src/errors/mod.ts";
import { ApiClient, type ApiAnswer } from "../support/api.ts";
import { patience } from "../support/patience.ts";
import { send, type WireAnswer, type WireRequest } from "./wire.ts";

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
  readonly #api: ApiClient;
  readonly #past: string[] = [];

  constructor(name: string, socket: string) {
    this.name = name;
    this.#socket = socket;
    this.#api = new ApiClient({ socket });
  }

  /** A request, whose answer's status must be one of `allowed`. */
  async call(
    method: string,
    path: string,
    allowed: readonly number[],
    body?: object | Uint8Array,
  ): Promise<ApiAnswer> {
    const reply = await this.ask(method, path, body);
    if (!allowed.includes(reply.status)) throw this.surprise(`not one of ${allowed.join(", ")}`);
    return reply;
  }

  /** A request, whatever is answered: but no error of the engine's own. */
  async ask(method: string, path: string, body?: object | Uint8Array): Promise<ApiAnswer> {
    this.calls++;
    const reply = await this.#api.call(method, path, body, longest).catch((error: unknown) => {
      throw this.surprise(`${method} ${path}: ${messageOf(error)}; it is not`);
    });
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

  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }
}
