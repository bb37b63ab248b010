/**
 * A byte stream to an engine through a program's standard input and output: ssh.
 * @module
 */
import { spawn, type ChildProcess } from "node:child_process";
import { failure, messageOf } from "../errors/mod.ts";
import type { Wire } from "./wire.ts";

/** So much of what the program says of its troubles is told. */
const longestComplaint = 1 << 12;

/** Starts a program and speaks to the engine through it. `host` is what errors name. */
export function commandWire(command: readonly [string, ...string[]], host: string): Wire {
  const [program, ...args] = command;
  // A session of its own: ctrl-c in this terminal is this command's to handle, which may have more to say to the engine.
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  return new CommandWire(child, command, host);
}

class CommandWire implements Wire {
  readonly #child: ChildProcess;
  readonly #command: readonly string[];
  readonly #host: string;
  readonly #output: AsyncIterator<Uint8Array>;
  readonly #unread: Uint8Array[] = [];
  readonly #gone: Promise<string>;
  #complaint = "";
  #heard = false;
  #ended = false;
  #closed = false;

  constructor(child: ChildProcess, command: readonly string[], host: string) {
    this.#child = child;
    this.#command = command;
    this.#host = host;
    const { stdin, stdout, stderr } = child;
    if (stdin === null || stdout === null || stderr === null) {
      throw failure("internal", { message: "a program without standard streams" });
    }
    this.#gone = new Promise((resolve) => {
      child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      child.once("close", (code, signal) => resolve(`has exited with ${signal ?? `exit status ${code}`}`));
    });
    void this.#gone.then(() => (this.#ended = true));
    stderr.on("data", (piece: Buffer) => {
      if (this.#complaint.length < longestComplaint) this.#complaint += piece.toString("utf8");
    });
    // A write says so too, and reading tells why.
    stdin.on("error", () => undefined);
    this.#output = (stdout as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  get stale(): boolean {
    return this.#ended || this.#unread.length > 0 || (this.#child.stdout?.readableLength ?? 0) > 0;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#child.stdin?.write(bytes, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(failure("unavailable", { message: "connection to the engine is closed" }, error));
      });
    });
  }

  end(): void {
    this.#child.stdin?.end();
  }

  async read(): Promise<Uint8Array | undefined> {
    const kept = this.#unread.pop();
    if (kept !== undefined) return kept;
    let next: IteratorResult<Uint8Array, unknown>;
    try {
      next = await this.#output.next();
    } catch (error) {
      if (this.#closed) return undefined;
      throw failure("unavailable", { message: `connection to the engine broke: ${messageOf(error)}` }, error);
    }
    if (next.done !== true) {
      this.#heard = true;
      return next.value;
    }
    if (this.#heard || this.#closed) return undefined;
    const end = await this.#gone;
    const reason = `command [${this.#command.join(" ")}] ${end}, make sure the URL is valid, and caisson is installed on the remote host: stderr=${this.#complaint.trim()}`;
    throw failure("no-engine", { host: this.#host, reason });
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#unread.push(bytes);
  }

  close(): void {
    this.#closed = true;
    this.#child.stdin?.destroy();
    this.#child.stdout?.destroy();
    this.#child.kill();
  }
}
