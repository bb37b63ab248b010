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
  readonly #decoder = new TextDecoder();
  #output = "";

  private constructor(engine: TestEngine, command: readonly string[]) {
    this.#terminal = new Bun.Terminal({
      cols: 80,
      rows: 24,
      data: (_, data) => {
        this.#output += this.#decoder.decode(data, { stream: true });
      },
    });
    // Bun gives a program the terminal, but not as the controlling one: without that there is no SIGWINCH.
    this.#process = Bun.spawn(["setsid", "--ctty", "--wait", ...command], {
      cwd: engine.directory,
      env: { ...dockerEnvironment(engine), TERM: "xterm" },
      terminal: this.#terminal,
    });
  }

  /** Starts `program` (docker where there is one) with `args` at a terminal of 24 rows and 80 columns. */
  static open(
    engine: TestEngine,
    args: readonly string[],
    program: string = dockerPath ?? caisson,
  ): TerminalSession {
    return new TerminalSession(engine, [program, ...args]);
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

  /**
   * Changes the size until `command`, typed at a shell, prints the new one: a client begins to follow its terminal a
   * moment after the container has begun to write, and the kernel tells of a change only.
   */
  async resizeUntil(rows: number, columns: number, command: string): Promise<void> {
    await eventually(`a terminal of ${rows} rows and ${columns} columns`, async () => {
      this.resize(rows, columns - 1);
      this.resize(rows, columns);
      await Bun.sleep(100);
      this.type(`${command}\n`);
      const [, seen] = await this.expect(/\n(\d+ \d+)\r\n/);
      return seen === `${rows} ${columns}` || undefined;
    });
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
