/**
 * An executor of its own for work on files, which is killed when one step takes too long or nothing more is wanted.
 * @module
 */
import type { Executor } from "../kernel/mod.ts";
import type { ViewSession } from "../storage/mod.ts";

/** Milliseconds that one step may take: longer than any disk, not as long as a file system that never answers. */
const patience = 30_000;

/** A session that nobody waits for without end. */
export class PatientSession implements ViewSession, Disposable {
  readonly #session: Executor;
  readonly #doing: string;
  readonly #patience: number;

  /** `doing` is what it is for, for errors; `most` milliseconds are what one step may take. */
  constructor(session: Executor, doing: string, most: number = patience) {
    this.#session = session;
    this.#doing = doing;
    this.#patience = most;
  }

  async run(...[program, options]: Parameters<Executor["run"]>): ReturnType<Executor["run"]> {
    const doing = options?.doing || this.#doing;
    return await this.#session.run(program, { ...options, doing, deadline: this.#patience });
  }

  [Symbol.dispose](): void {
    this.#session.kill();
  }
}
