/**
 * Starting shims. The executor makes the process, the engine gives it its work and follows it: the executor is free again
 * before the work begins. In a lull one is made that waits, so that the next start doesn't wait for a process.
 * @module
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../errors/mod.ts";
import { CWD } from "./calls.ts";
import { encodeProgram } from "./encode.ts";
import type { Outcome, RunOptions } from "./executor.ts";
import { KernelError } from "./failure.ts";
import { ProgramBuilder, type Program } from "./program.ts";
import { encodeShim, type ShimOptions } from "./shim-configuration.ts";
import { ORDER, ShimConnection, type ShimState } from "./shim-connection.ts";
import { startShim } from "./shim-process.ts";

/** Where a shim listens that has yet to get its work; it renames it to `shim.sock` then. */
const SOCKET = "new.sock";
/** Milliseconds without a start after which one is made that waits. */
const LULL = 1;
/** Milliseconds that what was killed at its deadline may take to end. */
const GRACE = 100;
const MAX_TIMEOUT = 0x7fffffff;
const LATE = "was stopped: the deadline passed";
const SIGKILL = 9;
const ECHILD = 10;
/** An errno of the native side's own. */
const MALFORMED = 4096;
const NO_OPERATION = 0xffffffff;

/** A shim whose program is done: the container's process runs. */
export interface StartedShim {
  readonly pid: number;
  /** Nanoseconds since the epoch. */
  readonly started: bigint;
  /** The engine's line to it. */
  readonly line: ShimConnection;
  /** How its process ended; undefined if the line broke before it did. */
  readonly exited: Promise<ProcessExit | undefined>;
}

/** How a process ended. */
export interface ProcessExit {
  /** Exit code, or 128 + signal. */
  readonly code: number;
  readonly signal: number;
  /** Nanoseconds since the epoch. */
  readonly finished: bigint;
}

/** How a shim is started. */
export interface ShimStart extends RunOptions {
  /** Adds what the executor does first: its directory must be there. */
  readonly prepare?: (b: ProgramBuilder) => void;
  /** What is done while its program holds, with the pid of the process that is held. If it fails, so does the start. */
  readonly held?: (pid: number) => Promise<void>;
}

/** What performs programs. */
interface Runner {
  readonly pid: number;
  run(program: Program, options?: RunOptions): Promise<Outcome>;
}

/** Starts shims by way of one executor. */
export class ShimStarter {
  readonly #executor: Runner;
  /** Where the one that waits listens. */
  readonly #path: string;
  /** Makes the one that waits: the same each time. */
  #standingBy: Program | undefined;
  #spare: ShimConnection | undefined;
  /** While one is made that will wait. */
  #making: Promise<void> | undefined;
  #wanted = false;
  #starts = 0;
  #lull: NodeJS.Timeout | undefined;
  #closed = false;

  /** `path` is a file beside which the one that waits may have its socket. */
  constructor(executor: Runner, path: string) {
    this.#executor = executor;
    this.#path = `${path}.${executor.pid}.sock`;
  }

  /** Starts a shim and waits until its program is done. */
  async start(shim: ShimOptions, options: ShimStart = {}): Promise<StartedShim> {
    clearTimeout(this.#lull);
    this.#starts++;
    try {
      const started = await this.#start(shim, options);
      this.#wanted = true;
      return started;
    } finally {
      this.#starts--;
      if (this.#wanted && this.#starts === 0 && !this.#closed) {
        this.#lull = setTimeout(() => {
          this.#making = this.#standBy().finally(() => (this.#making = undefined));
        }, LULL);
      }
    }
  }

  /** The one that waits leaves; those that work go on. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#lull);
    this.#take()?.close();
    if (this.#standingBy !== undefined) rmSync(this.#path, { force: true });
  }

  async #start(shim: ShimOptions, options: ShimStart): Promise<StartedShim> {
    const { deadline = Infinity } = options;
    const end = performance.now() + deadline;
    await this.#making;
    const spare = this.#take();
    const ready = this.#place(shim.directory, spare, options);
    let message: Buffer;
    try {
      // While the executor is at work.
      message = encodeShim(shim, ORDER, deadline === Infinity ? 0 : deadline);
    } catch (error) {
      void ready.then(
        (line) => line.close(),
        () => undefined,
      );
      throw error;
    }
    const work = new Work(shim.program, await ready, options, end);
    const started = await work.perform(message);
    if (started !== undefined) return started;
    // Somebody may have killed the one that waited.
    if (spare !== undefined) return this.#start(shim, options);
    throw new KernelError(shim.program, NO_OPERATION, ECHILD, options.doing);
  }

  /** Has the executor do what comes first, and the shim be found in its directory. Resolves to the line to it. */
  async #place(
    directory: string,
    spare: ShimConnection | undefined,
    { prepare }: ShimStart,
  ): Promise<ShimConnection> {
    const b = new ProgramBuilder();
    const socket = join(directory, SOCKET);
    prepare?.(b);
    if (spare === undefined) startShim(b, socket, this.#executor.pid);
    else b.call(`move the shim's socket to ${socket}`, "renameat2", [CWD, this.#path, CWD, socket, 0]);
    try {
      await this.#executor.run(b.build(), { doing: "make the bundle" });
      return spare ?? (await ShimConnection.toSpare(socket));
    } catch (error) {
      spare?.close();
      throw error;
    }
  }

  /** Has a shim wait. */
  async #standBy(): Promise<void> {
    if (this.#spare?.lost === false) return;
    if (this.#standingBy === undefined) {
      const b = new ProgramBuilder();
      startShim(b, this.#path, this.#executor.pid);
      const program = b.build();
      this.#standingBy = { ...program, bytes: encodeProgram(program) };
    }
    try {
      await this.#executor.run(this.#standingBy, { doing: "start a shim" });
      const line = await ShimConnection.toSpare(this.#path);
      if (this.#closed) line.close();
      else this.#spare = line;
    } catch {
      // The next start makes its own.
    }
  }

  /** The one that waits, if there is one. */
  #take(): ShimConnection | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.lost === false ? spare : undefined;
  }
}

/** A start in a rehearsal: all of it is put together, and its process has ended well at once. */
export async function rehearseStart(
  executor: Runner,
  shim: ShimOptions,
  { prepare, deadline = 0 }: ShimStart = {},
): Promise<StartedShim> {
  const b = new ProgramBuilder();
  prepare?.(b);
  startShim(b, join(shim.directory, SOCKET), executor.pid);
  const ready = executor.run(b.build(), { doing: "make the bundle" });
  encodeShim(shim, ORDER, deadline);
  await ready;
  const started = BigInt(Date.now()) * 1_000_000n;
  const exited = Promise.resolve({ code: 0, signal: 0, finished: started });
  return { pid: 0, started, line: ShimConnection.nowhere(), exited };
}

/**
 * Hears of nothing but the end from here on. A line lasts as long as its container: what it calls must not hold the program
 * that started it, some hundreds of kilobytes.
 */
function awaitExit(line: ShimConnection, resolve: (exit: ProcessExit | undefined) => void): void {
  line.follow(
    (state) => {
      if (state.phase === "exited") resolve(state);
    },
    () => resolve(undefined),
  );
}

/** A shim's work, from its configuration to its running process. */
class Work {
  readonly #program: Program;
  readonly #line: ShimConnection;
  readonly #options: ShimStart;
  /** When it is late. */
  readonly #end: number;
  readonly #decided = Promise.withResolvers<ShimState | "lost">();
  readonly #exit = Promise.withResolvers<ProcessExit | undefined>();
  #begun = false;
  /** What is done while the program holds. */
  #holding: Promise<void> | undefined;

  constructor(program: Program, line: ShimConnection, options: ShimStart, end: number) {
    this.#program = program;
    this.#line = line;
    this.#options = options;
    this.#end = end;
  }

  /** Sends the configuration. Resolves when its process runs; to undefined if the shim was gone before. */
  async perform(message: Buffer): Promise<StartedShim | undefined> {
    const { doing = "start a container" } = this.#options;
    const late = (): Error => failure("executor-lost", { doing, reason: LATE });
    const timer = setTimeout(
      () => this.#decided.reject(late()),
      Math.min(Math.max(0, this.#end - performance.now()) + GRACE, MAX_TIMEOUT),
    );
    this.#line.start(
      message,
      (state) => this.#hear(state),
      () => {
        this.#decided.resolve("lost");
        this.#exit.resolve(undefined);
      },
    );
    try {
      const state = await this.#decided.promise.finally(() => clearTimeout(timer));
      await this.#holding;
      if (state === "lost" && !this.#begun) return undefined;
      if (state === "lost" && performance.now() >= this.#end) throw late();
      if (state === "lost") throw new KernelError(this.#program, NO_OPERATION, ECHILD, this.#options.doing);
      if (state.phase === "failed") throw this.#failure(state.failure, doing);
      awaitExit(this.#line, this.#exit.resolve);
      return { pid: state.pid, started: state.started, line: this.#line, exited: this.#exit.promise };
    } catch (error) {
      this.#line.close();
      throw error;
    }
  }

  #hear(state: ShimState): void {
    const { held } = this.#options;
    this.#begun = true;
    if (state.phase === "held" && held !== undefined) {
      this.#holding = held(state.pid).then(
        () => this.#line.go(),
        (error: unknown) => {
          // The shim's program notices, and fails.
          this.#line.signal(SIGKILL);
          throw error;
        },
      );
      // It is told once the program has failed.
      this.#holding.catch(() => undefined);
    }
    if (state.phase === "running" || state.phase === "failed") this.#decided.resolve(state);
    if (state.phase === "exited") this.#exit.resolve(state);
  }

  #failure({ index, errno }: ShimState["failure"], doing: string): Error {
    if (errno !== MALFORMED) return new KernelError(this.#program, index, errno, this.#options.doing);
    const operation = index === NO_OPERATION ? "" : ` (operation ${index})`;
    return failure("executor-lost", { doing, reason: `refused the program as malformed${operation}` });
  }
}
