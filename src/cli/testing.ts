/**
 * A command run in a test, against an engine that answers what it is told to on a unix socket: what was asked of it, and
 * what was printed, is kept.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import type { Duplex } from "node:stream";
import { Client } from "../client/mod.ts";
import type { Command, Context } from "./command.ts";
import { textOfError } from "./failure-text.ts";
import { Flags, parseFlags } from "./flags.ts";
import type { Output } from "./output.ts";

/** What the engine answers: JSON, or text as it is, or the bytes of a hijacked connection. */
export interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a hijacked connection says before it closes. */
  readonly stream?: Uint8Array;
}

/** Answers by `METHOD /path`, without version and query. A list is used up, its last one stays. */
export type Answers = Readonly<Record<string, Answer | readonly Answer[]>>;

/** How a command is run. */
export interface RunOptions {
  readonly stdin?: string;
  readonly stdinTerminal?: boolean;
  readonly terminal?: boolean;
}

/** What came of a command. */
export interface Ran {
  /** The exit code; undefined when the command failed. */
  readonly code: number | undefined;
  /** What it failed with, as it would be printed. */
  readonly problem: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Requests in their order: `METHOD /path?query`, without the version, unescaped. */
  readonly asked: readonly string[];
  /** The body of each request. */
  readonly bodies: readonly string[];
}

/** Runs `command` with the words of `argv`; what isn't in `answers` is not found. */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  answers: Answers = {},
  options: RunOptions = {},
): Promise<Ran> {
  const directory = mkdtempSync(`${tmpdir()}/caisson-command-`);
  const engine = new FakeEngine(answers);
  const path = `${directory}/engine.sock`;
  await engine.listen(path);
  const client = new Client({ kind: "unix", host: `unix://${path}`, path });
  const [stdout, stderr] = [kept(options.terminal), kept()];
  const context: Context = {
    program: "caisson",
    path: "caisson test",
    stdout,
    stderr,
    stdin: async function* () {
      if (options.stdin !== undefined) yield new TextEncoder().encode(options.stdin);
    },
    stdinTerminal: options.stdinTerminal ?? false,
    client: async () => client,
    globals: new Flags(new Map()),
  };
  let code: number | undefined;
  let problem = "";
  try {
    const { flags, args } = parseFlags(command.flags, argv, command.interspersed !== false);
    code = await command.run(context, flags, args);
  } catch (error) {
    problem = textOfError(error);
  } finally {
    client.close();
    engine.close();
    rmSync(directory, { recursive: true });
  }
  const { asked, bodies } = engine;
  return { code, problem, stdout: stdout.written(), stderr: stderr.written(), asked, bodies };
}

/** `text` as a frame of a multiplexed stream: 1 is stdout, 2 is stderr. */
export function frame(stream: 1 | 2, text: string): Uint8Array {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head.writeUInt8(stream, 0);
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

function kept(terminal = false): Output & { readonly written: () => string } {
  let written = "";
  return {
    text: (text) => {
      written += text;
    },
    line: (text) => {
      written += `${text}\n`;
    },
    bytes: async (bytes) => {
      written += new TextDecoder().decode(bytes);
    },
    terminal,
    written: () => written,
  };
}

class FakeEngine {
  readonly asked: string[] = [];
  readonly bodies: string[] = [];
  readonly #server: Server;
  readonly #answers: Map<string, Answer[]>;

  constructor(answers: Answers) {
    this.#answers = new Map(
      Object.entries(answers).map(([key, value]) => [key, "length" in value ? [...value] : [value]]),
    );
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex) => this.#hijack(request, socket));
  }

  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(path, resolve));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #find(request: IncomingMessage, note: (text: string) => number): Answer {
    const url = (request.url ?? "").replace(/^\/v[\d.]+/, "");
    const [path = ""] = url.split("?");
    if (path !== "/_ping") note(`${request.method} ${decodeURIComponent(url)}`);
    if (path === "/_ping") return { text: "OK" };
    const found = this.#answers.get(`${request.method} ${path}`);
    const next = found !== undefined && found.length > 1 ? found.shift() : found?.[0];
    return next ?? { status: 404, json: { message: `no ${path}` } };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const index = this.asked.length;
    const answer = this.#find(request, (text) => this.asked.push(text));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    if (this.asked.length > index) this.bodies[index] = Buffer.concat(pieces).toString();
    const { status = 200, json, text, contentType = "application/json", headers } = answer;
    response.writeHead(status, { "Content-Type": contentType, ...headers });
    response.end(text ?? (json === undefined ? "" : JSON.stringify(json)));
  }

  #hijack(request: IncomingMessage, socket: Duplex): void {
    const index = this.asked.length;
    const { status = 101, json, stream } = this.#find(request, (text) => this.asked.push(text));
    if (status !== 101 || stream === undefined) {
      const body = JSON.stringify(json ?? { message: "no stream" });
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    this.bodies[index] = "";
    socket.on("data", (piece: Buffer) => (this.bodies[index] += piece.toString()));
    socket.on("error", () => socket.destroy());
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    socket.on("end", () => socket.end(stream));
    if (request.headers["content-length"] !== undefined) request.resume();
  }
}
