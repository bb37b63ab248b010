/**
 * A program at a terminal, as a person has one: it can be typed at, read and resized.
 * @module
 */
import { eventually } from "./containers.ts";
import { dockerEnvironment, dockerPath } from "./docker.ts";
import { caisson, type TestEngine } from "./engine.ts";

/** A command of the docker CLI (or caisson's, where there is none) at a terminal of its own. */
export class TerminalSession implements AsyncDisposable {
  readonly #process: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  #output = "";

  private constructor(process: Bun.Subprocess, terminal: Bun.Terminal) {
    this.#process = process;
    this.#terminal = terminal;
  }

  /** Starts `program` (docker where there is one) with `args` at a terminal of 24 rows and 80 columns. */
  static open(
    engine: TestEngine,
    args: readonly string[],
    program: string = dockerPath ?? caisson,
  ): TerminalSession {
    let session: TerminalSession | undefined;
    const decoder = new TextDecoder();
    const early: Uint8Array[] = [];
    const terminal = new Bun.Terminal({
      cols: 80,
      rows: 24,
      data: (_, data) => {
        if (session === undefined) early.push(data.slice());
        else session.#output += decoder.decode(data, { stream: true });
      },
    });
    const env = { ...dockerEnvironment(engine), TERM: "xterm" };
    const child = Bun.spawn([program, ...args], { cwd: engine.directory, env, terminal });
    session = new TerminalSession(child, terminal);
    for (const data of early) session.#output += decoder.decode(data, { stream: true });
    return session;
  }

  /** Everything that was written to the terminal so far. */
  get output(): string {
    return this.#output;
  }

  /** Types. */
  type(text: string): void {
    this.#terminal.write(text);
  }

  /** Changes the terminal's size; the program gets SIGWINCH. */
  resize(rows: number, columns: number): void {
    this.#terminal.resize(columns, rows);
  }

  /** Waits until `pattern` has been written after what earlier calls saw. */
  async expect(pattern: RegExp): Promise<RegExpExecArray> {
    try {
      const match = await eventually(
        `${pattern} at the terminal`,
        () => pattern.exec(this.#output) ?? undefined,
      );
      this.#output = this.#output.slice(match.index + match[0].length);
      return match;
    } catch (error) {
      throw new Error(`${pattern} was not written, but ${JSON.stringify(this.#output)}`, { cause: error });
    }
  }

  /** Waits for the program's end; its exit code. */
  async ended(): Promise<number> {
    return await this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill("SIGKILL");
    await this.#process.exited;
    this.#terminal.close();
  }
}
