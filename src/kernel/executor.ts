/**
 * The client of the native executor: sends programs, gets results. One executor is kept warm by the engine; others are
 * sessions of their own (a layer being unpacked in its chroot). Wire: native/PROTOCOL.md, section 2.
 * @module
 */
import { connect, type Socket } from "node:net";
import { failure, messageOf } from "../errors/mod.ts";
import { encodeProgram } from "./encode.ts";
import { KernelError } from "./failure.ts";
import { ProgramBuilder, type Out, type Program, type Result } from "./program.ts";
import { sealing } from "./seal.ts";
import type { ShimOptions } from "./shim-configuration.ts";
import { rehearseStart, ShimStarter, type ShimStart, type StartedShim } from "./shim-starter.ts";
import { spawnWithSocket, type SocketProcess } from "./spawn.ts";

const RUN = 1;
const HEADER = 24;
const DONE = 0;
const FAILED = 1;
const NO_OPERATION = 0xffffffff;
/** What is sent in a rehearsal. */
const nothing = new ProgramBuilder().build();
const SKIPPED = -(2n ** 63n);

/** What a program that ran to its end left. */
export interface Outcome {
  /** What operation `result` returned; undefined if it was skipped. */
  valueOf(result: Result): number | undefined;
  /** What was written to `out`. */
  bytesOf(out: Out): Uint8Array;
}

export interface RunOptions {
  /** What this is for, as the beginning of an error's text. */
  readonly doing?: string;
  /** Milliseconds after which it is killed; of `run` the executor itself, so only for a session of one's own. */
  readonly deadline?: number;
}

interface Reply {
  readonly status: number;
  readonly index: number;
  readonly errno: number;
  readonly payload: Buffer;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
  readonly doing: string;
}

class ProgramOutcome implements Outcome {
  readonly #payload: Buffer;
  readonly #operations: number;

  constructor(payload: Buffer) {
    this.#payload = payload;
    this.#operations = payload.length >= 8 ? payload.readUInt32LE(0) : 0;
  }

  valueOf(result: Result): number | undefined {
    if (result.operation >= this.#operations) return undefined;
    const value = this.#payload.readBigInt64LE(8 + result.operation * 8);
    return value === SKIPPED ? undefined : Number(value);
  }

  bytesOf(out: Out): Uint8Array {
    const start = 8 + this.#operations * 8 + out.offset;
    return this.#payload.subarray(start, start + out.size);
  }
}

/** A session with a native executor process. Requests go out at once; replies come as they are done. */
export class Executor implements Disposable {
  readonly #path: string;
  readonly #process: SocketProcess;
  readonly #socket: Socket;
  /** Whether programs are only encoded. */
  readonly #rehearses: boolean;
  readonly #waiting = new Map<number, Waiting>();
  readonly #shims: ShimStarter;
  #next = 1;
  /** Requests that go out together at the end of this turn: the executor is woken once. */
  #leaving: Buffer[] = [];
  #pieces: Buffer[] = [];
  #buffered = 0;
  /** Bytes that are needed before there is anything to read: a header, or a reply whose length is known. */
  #wanted = HEADER;
  #lost: string | undefined;

  private constructor(path: string, process: SocketProcess, rehearses: boolean) {
    this.#path = path;
    this.#process = process;
    this.#rehearses = rehearses;
    this.#shims = new ShimStarter(this, path);
    // The type of net.connect doesn't know Bun's `fd`.
    const options: { fd: number } = { fd: process.socket };
    this.#socket = connect(options as unknown as { path: string });
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("error", (error) => this.#lose(`failed: ${error.message}`));
    this.#socket.on("close", () => this.#lose("ended"));
  }

  /**
   * Starts an executor from the native binary at `path`. One that rehearses does nothing to the host: programs are encoded,
   * and empty ones are run in their place; a process that a shim would start has ended well at once.
   */
  static start(path: string, rehearses = false): Executor {
    const command = [path, "execute"] as const;
    const executor = new Executor(path, spawnWithSocket(command), rehearses);
    // There is no answer to it if all goes well: who is executed then hears the next request.
    void executor.#ask(sealing(command), { doing: "start an executor" }).catch((error: unknown) => {
      executor.#lose(messageOf(error));
    });
    return executor;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Whether the executor is gone. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Runs `program` in the executor itself: its slots, root and directory stay for the next. */
  async run(program: Program, options: RunOptions = {}): Promise<Outcome> {
    const { deadline } = options;
    if (deadline === undefined) return this.#program(program, options);
    const late = (): void => this.kill("was stopped: the deadline passed");
    const timer = setTimeout(late, deadline);
    return this.#program(program, options).finally(() => clearTimeout(timer));
  }

  /** Runs `program` in an executor of its own, side by side with others. */
  async fork(program: Program, options: RunOptions = {}): Promise<Outcome> {
    if (this.#rehearses) return this.run(program);
    const other = Executor.start(this.#path);
    return other.run(program, options).finally(() => other.close());
  }

  /** Starts a shim and waits until its program is done. */
  async shim(shim: ShimOptions, options?: ShimStart): Promise<StartedShim> {
    return this.#rehearses ? rehearseStart(this, shim, options) : this.#shims.start(shim, options);
  }

  /** Ends the session; the executor leaves when its work is done. */
  close(): void {
    this.#send();
    this.#lose("was closed");
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Ends the session at once, whatever it does: it may hang in a file system that never answers. */
  kill(reason: string = "was killed"): void {
    this.#lose(reason);
    this.#socket.destroy();
    this.#process.kill("SIGKILL");
  }

  async #program(program: Program, options: RunOptions): Promise<Outcome> {
    if (!this.#rehearses) return this.#ask(program, options);
    encodeProgram(program, HEADER);
    return this.#ask(nothing, options);
  }

  async #ask(program: Program, options: RunOptions): Promise<Outcome> {
    const reply = await this.#request(encodeProgram(program, HEADER), options);
    this.#check(program, reply, options);
    return new ProgramOutcome(reply.payload);
  }

  #check(program: Program, reply: Reply, { doing }: RunOptions): void {
    if (reply.status === DONE) return;
    if (reply.status === FAILED) throw new KernelError(program, reply.index, reply.errno, doing);
    const what = doing ?? program.operations[0]?.label ?? "run a program";
    const operation = reply.index === NO_OPERATION ? "" : ` (operation ${reply.index})`;
    throw failure("executor-lost", { doing: what, reason: `refused the program as malformed${operation}` });
  }

  /** Sends `message`, whose first bytes are room for the header. */
  #request(message: Buffer, { doing = "run a program" }: RunOptions): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    if (this.#lost !== undefined) {
      reject(failure("executor-lost", { doing, reason: this.#lost }));
      return promise;
    }
    const id = this.#next++;
    message.writeUInt32LE(message.length - HEADER, 0);
    message.writeUInt16LE(RUN, 4);
    message.writeBigUInt64LE(BigInt(id), 8);
    this.#waiting.set(id, { resolve, reject, doing });
    if (this.#leaving.push(message) === 1) queueMicrotask(() => this.#send());
    return promise;
  }

  #send(): void {
    const messages = this.#leaving;
    this.#leaving = [];
    const [first] = messages;
    if (first === undefined || this.#lost !== undefined) return;
    this.#socket.write(messages.length === 1 ? first : Buffer.concat(messages));
  }

  #receive(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#buffered += chunk.length;
    // Joined once: a long reply comes in a hundred pieces.
    if (this.#buffered < this.#wanted) return;
    let buffer = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces);
    this.#wanted = HEADER;
    while (buffer.length >= HEADER) {
      const end = HEADER + buffer.readUInt32LE(0);
      this.#wanted = end;
      if (buffer.length < end) break;
      this.#wanted = HEADER;
      this.#answer(buffer.subarray(0, end));
      buffer = buffer.subarray(end);
    }
    this.#pieces = buffer.length === 0 ? [] : [buffer];
    this.#buffered = buffer.length;
  }

  #answer(message: Buffer): void {
    const id = Number(message.readBigUInt64LE(8));
    const status = message.readUInt16LE(6);
    const payload = message.subarray(HEADER);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    waiting.resolve({ status, index: message.readUInt32LE(16), errno: message.readUInt32LE(20), payload });
  }

  #lose(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    for (const { reject, doing } of this.#waiting.values())
      reject(failure("executor-lost", { doing, reason }));
    this.#waiting.clear();
    this.#shims.close();
  }
}
