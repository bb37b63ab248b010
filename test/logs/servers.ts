/**
 * Starting and stopping the log servers of server.ts.
 * @module
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestEngine } from "../support/engine.ts";

/** A log server in an engine's network. */
export class LogServer implements Disposable {
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #got: unknown[] = [];
  /** Bytes of the file. */
  #seen = 0;

  private constructor(child: ChildProcess, file: string) {
    this.#child = child;
    this.#file = file;
  }

  /** Starts one and waits until it listens. Servers with the same `file` add to what others got. */
  static async start(
    engine: TestEngine,
    file: string,
    kind: "udp" | "stream" | "tls" | "fluentd",
    where: string | number,
    mode = "",
  ): Promise<LogServer> {
    const script = join(import.meta.dir, "server.ts");
    const child = spawn(
      "nsenter",
      [`--net=/proc/${engine.namespace}/ns/net`, process.execPath, script, kind, String(where), file, mode],
      { cwd: "/", stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise((resolve, reject) => {
      child.stdout.once("data", resolve);
      child.once("exit", () => reject(new Error("the log server did not start")));
    });
    return new LogServer(child, file);
  }

  /** What arrived, of whatever kind the server's messages are. */
  got<T>(): T[] {
    if (!existsSync(this.#file)) return [];
    // Tests look again and again, at what may be megabytes.
    const fresh = Buffer.alloc(statSync(this.#file).size - this.#seen);
    const file = openSync(this.#file, "r");
    const length = readSync(file, fresh, 0, fresh.length, this.#seen);
    closeSync(file);
    const whole = fresh.subarray(0, length).lastIndexOf("\n") + 1;
    this.#seen += whole;
    const lines = fresh.toString("utf8", 0, whole).split("\n").slice(0, -1);
    for (const line of lines) this.#got.push(JSON.parse(line));
    return this.#got as T[];
  }

  /** It reads nothing any more, but its connections stay. */
  stall(): void {
    this.#child.kill("SIGSTOP");
  }

  /** It dies. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

/** A message of the forward protocol. */
export type FluentdMessage = readonly [
  tag: string,
  time: unknown,
  record: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string>>,
];
