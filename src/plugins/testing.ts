/**
 * A plugin for tests: on a unix socket, with answers by method.
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { dirname } from "node:path";
import type { PluginFiles } from "./discovery.ts";

/** Files as this process sees them. */
export const ownFiles: PluginFiles = {
  look: async (paths) =>
    new Map(
      paths.flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false });
        const kind = stat?.isSocket() === true ? "socket" : stat?.isFile() === true ? "file" : "other";
        return stat === undefined ? [] : [[path, kind] as const];
      }),
    ),
  names: async (folders) =>
    new Map(
      folders.flatMap((folder) =>
        statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
          ? [[folder, readdirSync(folder)] as const]
          : [],
      ),
    ),
  read: async (path) => readFileSync(path),
};

/** What a method answers: a JSON object; a text, as it is; a number, a status; `"hang"`: nothing, ever. */
export type FakeAnswer = object | string | number;

/** Answers by method, `NetworkDriver.Join`. Others answer `{}`; a function gets the request. */
export type FakeAnswers = Readonly<
  Record<string, FakeAnswer | ((body: Readonly<Record<string, unknown>>) => FakeAnswer)>
>;

/** One call. */
export interface FakeCall {
  readonly method: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A plugin that remembers what it was asked. */
export class FakePlugin implements Disposable {
  readonly calls: FakeCall[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on `socket`. It implements network driver and addresses unless `answers` says otherwise. */
  static async listen(socket: string, answers: FakeAnswers = {}): Promise<FakePlugin> {
    const all: FakeAnswers = {
      "Plugin.Activate": { Implements: ["NetworkDriver", "IpamDriver"] },
      "NetworkDriver.GetCapabilities": { Scope: "local" },
      "IpamDriver.GetDefaultAddressSpaces": { LocalDefaultAddressSpace: "here" },
      ...answers,
    };
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const method = (request.url ?? "").slice(1);
        const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as FakeCall["body"];
        plugin.calls.push({ method, body });
        const found = all[method] ?? {};
        const answer = typeof found === "function" ? (found as (b: typeof body) => FakeAnswer)(body) : found;
        if (answer === "hang") return;
        response.statusCode = typeof answer === "number" ? answer : 200;
        response.end(typeof answer === "object" ? JSON.stringify(answer) : String(answer));
      });
    });
    const plugin = new FakePlugin(server);
    mkdirSync(dirname(socket), { recursive: true });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return plugin;
  }

  /** The methods that were called, in order, without `Plugin.Activate`. */
  get methods(): readonly string[] {
    return this.calls.map(({ method }) => method).filter((method) => method !== "Plugin.Activate");
  }

  /** What the last call of `method` was asked. */
  asked(method: string): FakeCall["body"] | undefined {
    return this.calls.findLast((call) => call.method === method)?.body;
  }

  [Symbol.dispose](): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
