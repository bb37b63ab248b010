/**
 * A session for tests that performs nothing: it remembers the programs, and says of each call that it did all.
 * @module
 */
import type { Executor, Operation, Out, Outcome, Program, Result } from "../kernel/mod.ts";

/** Programs that were run, and how many of them at once. */
export class FakeSession implements Pick<Executor, "run"> {
  readonly programs: Program[] = [];
  most = 0;
  /** Throws to make a program fail. */
  onRun: (program: Program, index: number) => void = () => undefined;
  #running = 0;

  async run(program: Program): Promise<Outcome> {
    // What a program holds may change after it was sent, so it is looked at now.
    const index = this.programs.push(program) - 1;
    this.most = Math.max(this.most, ++this.#running);
    await new Promise((resolve) => setImmediate(resolve));
    this.#running--;
    this.onRun(program, index);
    return {
      valueOf: ({ operation }: Result): number => written(program.operations[operation]),
      bytesOf: ({ size }: Out): Uint8Array => new Uint8Array(size),
    };
  }

  /** Every operation that was performed. */
  get operations(): readonly Operation[] {
    return this.programs.flatMap(({ operations }) => operations);
  }
}

function written(operation: Operation | undefined): number {
  const length = operation?.call === "pwrite64" ? operation.args[2] : 0;
  return typeof length === "number" ? length : 0;
}
