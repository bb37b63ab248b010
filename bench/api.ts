/**
 * A bare client of Docker's API over one kept-alive connection, the same for all engines. It knows nothing of caisson's
 * own client, so that what is measured is the engine.
 * @module
 */
import { Agent, request } from "node:http";
import { failure } from "../src/errors/mod.ts";

export class ApiConnection implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Sends one request and reads its answer: JSON, undefined if it is empty, text otherwise. Throws on 400 and above. */
  call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      payload === undefined
        ? {}
        : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(payload)) };
    const sent = request(
      { socketPath: this.#socket, agent: this.#agent, method, path, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          if (status >= 400)
            return reject(failure("internal", { message: `${method} ${path}: ${status} ${text.trim()}` }));
          const json = response.headers["content-type"]?.startsWith("application/json") ?? false;
          resolve(json && text !== "" ? JSON.parse(text) : text);
        });
      },
    );
    sent.on("error", reject);
    sent.end(payload);
    return promise;
  }

  /** Starts an idle container of busybox without a network; its id. */
  async idle(host: object = {}): Promise<string> {
    const { Id } = (await this.call("POST", "/v1.40/containers/create", {
      Image: "busybox",
      Cmd: ["sleep", "100000"],
      HostConfig: { NetworkMode: "none", ...host },
    })) as { readonly Id: string };
    await this.call("POST", `/v1.40/containers/${Id}/start`);
    return Id;
  }

  /** The pid of a running container's first process. */
  async pid(id: string): Promise<number> {
    const { State } = (await this.call("GET", `/v1.40/containers/${id}/json`)) as {
      readonly State: { readonly Pid: number };
    };
    return State.Pid;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
