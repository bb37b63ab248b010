/**
 * Operations sent to a session in batches, several of them on their way at once, so that the executor works while the
 * next ones are put together. Memory is bounded by what is on its way.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { ProgramBuilder, type Executor, type Outcome, type Result, type Slot } from "../kernel/mod.ts";

/** A batch is sent when it has this many operations, or bytes of content. */
const mostOperations = 128;
const mostBytes = 64 << 10;
const mostOnTheWay = 6;
/** Bytes of the memory that content is kept in until its batch is sent. */
const arenaSize = 256 << 10;

/** A call whose result is how much it did. */
interface Expectation {
  readonly result: Result;
  readonly value: number;
  readonly doing: string;
}

/** A sequence of programs in one session. Its slots keep what they hold from one batch to the next. */
export class Pipeline {
  readonly #executor: Pick<Executor, "run">;
  readonly #names: readonly string[];
  readonly #doing: string;
  readonly #onTheWay: Promise<void>[] = [];
  #builder: ProgramBuilder;
  #slots: readonly Slot[];
  #operations = 0;
  #bytes = 0;
  #expected: Expectation[] = [];
  #error: unknown;
  /** The same memory for every batch: fresh memory costs more than what is copied there. */
  readonly #arena = new Uint8Array(arenaSize);
  #used = 0;

  /** `slots` names the session's slots; {@link slot} has them by number. */
  constructor(executor: Pick<Executor, "run">, slots: readonly string[], doing: string) {
    this.#executor = executor;
    this.#names = slots;
    this.#doing = doing;
    this.#builder = new ProgramBuilder();
    this.#slots = slots.map((name) => this.#builder.slot(name));
  }

  /** The program that is being built. Not to be kept over {@link next}. */
  get builder(): ProgramBuilder {
    return this.#builder;
  }

  slot(index: number): Slot {
    const slot = this.#slots[index];
    if (slot === undefined) throw failure("internal", { message: `the session has no slot ${index}` });
    return slot;
  }

  /** Takes note that `operations` were added, with `bytes` of content. */
  count(operations: number, bytes = 0): void {
    this.#operations += operations;
    this.#bytes += bytes;
  }

  /** Room for content of the batch; it is free again when the batch has been sent, so before {@link next} returns. */
  room(length: number): Uint8Array {
    if (this.#used + length > this.#arena.length) return new Uint8Array(length);
    const start = this.#used;
    this.#used += length;
    return this.#arena.subarray(start, this.#used);
  }

  /** The operation must have done `value`: less of a write means that there was no room. */
  expect(result: Result, value: number, doing: string): void {
    this.#expected.push({ result, value, doing });
  }

  /** To be awaited between two steps: sends the batch if it is full, and waits while too much is on its way. */
  next(): Promise<void> | undefined {
    if (this.#operations < mostOperations && this.#bytes < mostBytes) return undefined;
    this.#send();
    return this.#onTheWay.length < mostOnTheWay ? undefined : this.#wait(mostOnTheWay - 1);
  }

  /** Sends what is left and waits until everything is done. */
  async finish(): Promise<void> {
    if (this.#operations > 0) this.#send();
    await this.#wait(0);
  }

  /** Waits until nothing is on its way any more, whatever came of it. */
  async settle(): Promise<void> {
    await Promise.all(this.#onTheWay);
  }

  #send(): void {
    const expected = this.#expected;
    const sent = this.#executor
      .run(this.#builder.build(), { doing: this.#doing })
      .then((outcome) => check(outcome, expected))
      .catch((error: unknown) => {
        // The first error is the cause; what follows it are its consequences.
        this.#error ??= error;
      });
    this.#onTheWay.push(sent);
    this.#builder = new ProgramBuilder();
    this.#slots = this.#names.map((name) => this.#builder.slot(name));
    // The program's bytes have been copied into the message by now.
    this.#operations = this.#bytes = this.#used = 0;
    this.#expected = [];
  }

  async #wait(most: number): Promise<void> {
    while (this.#onTheWay.length > most) {
      await this.#onTheWay.shift();
    }
    if (this.#error !== undefined) throw this.#error;
  }
}

function check(outcome: Outcome, expected: readonly Expectation[]): void {
  for (const { result, value, doing } of expected)
    if (outcome.valueOf(result) !== value) throw failure("no-space", { doing });
}
