/**
 * A measuring process that stays: asked by lines on its stdin, answers by lines on its stdout.
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { failure } from "../src/errors/mod.ts";
import type { Scratch } from "./scratch.ts";

export class Conversation {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(scratch: Scratch, command: readonly string[]) {
    this.#child = scratch.converse(command);
    const input = this.#child.stdout;
    if (input === null) throw failure("internal", { message: "the process has no stdout" });
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
    scratch.atEnd(async () => {
      // It ends by the end of its input, so that it can close what it has open.
      this.#child.stdin?.end();
      await Promise.race([
        new Promise((resolve) => this.#child.once("exit", resolve)),
        new Promise((resolve) => setTimeout(resolve, 5000).unref()),
      ]);
    });
  }

  /** The next line that it says. */
  async hear(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw failure("internal", { message: "the measuring process ended early" });
    return value;
  }

  /** Asks with a line, answers with the next one. */
  ask(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    return this.hear();
  }
}
