/**
 * Connections to a shim's socket: control, and attach. Wire: native/PROTOCOL.md, section 3.
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { connect, Socket } from "node:net";
import { basename, dirname } from "node:path";
import { failure } from "../errors/mod.ts";

const CONTROL = 1;
const ATTACH = 2;
const START = 3;
const STATE = 1;
const STATE_LENGTH = 32;
/** The newest version of what shims say that is understood; each includes the ones before. */
const VERSION = 1;
/** Of one that tells of failures, too. */
const FAILURE_LENGTH = 40;
const HEADER = 8;
/** Bytes of whatever is said to a shim: a hello or an order. */
export const ORDER = 8;
/** As long may a socket's path be in bytes (unix(7)). */
const MAX_PATH = 107;

const messages = { signal: 1, resize: 2, closeStdin: 3, rotate: 4, go: 5, expect: 6 } as const;

/** What a shim says of its process. Times are nanoseconds since the epoch. */
export interface ShimState {
  readonly phase: "starting" | "held" | "running" | "exited" | "failed";
  readonly pid: number;
  /** Exit code, or 128 + signal. */
  readonly code: number;
  readonly signal: number;
  readonly started: bigint;
  readonly finished: bigint;
  /** Of one that failed: the operation, or a stage, and the errno; 4096: it was malformed. */
  readonly failure: { readonly index: number; readonly errno: number };
}

const phases = ["starting", "held", "running", "exited", "failed"] as const;

function dial(path: string): Promise<Socket> {
  // A long path goes by way of its folder.
  const folder = Buffer.byteLength(path) > MAX_PATH ? openSync(dirname(path), "r") : undefined;
  const short = folder === undefined ? path : `/proc/self/fd/${folder}/${basename(path)}`;
  return new Promise<Socket>((resolve, reject) => {
    const socket = connect({ path: short, allowHalfOpen: true } as { path: string });
    socket.once("error", (error) => {
      reject(failure("unavailable", { message: `connect to the shim at ${path}: ${error.message}` }, error));
    });
    socket.once("connect", () => resolve(socket));
  }).finally(() => {
    if (folder !== undefined) closeSync(folder);
  });
}

async function open(path: string, kind: number, flags: number): Promise<Socket> {
  const socket = await dial(path);
  socket.write(Uint8Array.of(kind, flags, ...new Uint8Array(ORDER - 2)));
  return socket;
}

/** Connects to a container's streams. What is read is output (framed unless there is a terminal). */
export async function attachToShim(
  path: string,
  streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean },
): Promise<Socket> {
  const flags = (streams.stdin ? 1 : 0) | (streams.stdout ? 2 : 0) | (streams.stderr ? 4 : 0);
  return open(path, ATTACH, flags);
}

/** What the payload of a STATE says, or why that can't be known: a later version may mean anything. */
function readState(payload: Buffer): ShimState | string {
  if (payload.length < STATE_LENGTH)
    return `its state has ${payload.length} bytes, and must have ${STATE_LENGTH} at least`;
  const version = payload.readUInt8(1);
  if (version > VERSION)
    return `it speaks version ${version} of its protocol, and this engine no more than ${VERSION}`;
  const phase = phases[payload.readUInt8(0)];
  if (phase === undefined) return `it is in phase ${payload.readUInt8(0)}, which this engine doesn't know`;
  const tellsOfFailure = payload.length >= FAILURE_LENGTH;
  return {
    phase,
    pid: payload.readInt32LE(4),
    code: payload.readInt32LE(8),
    signal: payload.readInt32LE(12),
    started: payload.readBigUInt64LE(16),
    finished: payload.readBigUInt64LE(24),
    failure: tellsOfFailure
      ? { index: payload.readUInt32LE(32), errno: payload.readUInt32LE(36) }
      : { index: 0, errno: 0 },
  };
}

/** The engine's line to a shim: orders go out, states come in. */
export class ShimConnection {
  readonly #socket: Socket;
  #pending: Buffer = Buffer.alloc(0);
  #exited = false;
  #lost = false;
  #onState: (state: ShimState) => void = () => undefined;
  #onLost: () => void = () => undefined;
  #onStrange: (why: string) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      for (const state of this.#parse(chunk)) {
        if (state.phase === "exited") this.#exited = true;
        this.#onState(state);
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      this.#lost = true;
      if (!this.#exited) this.#onLost();
    });
  }

  /** Has others hear from now on; what {@link open} says of both holds here. */
  follow(onState: (state: ShimState) => void, onLost: () => void): this {
    this.#onState = onState;
    this.#onLost = onLost;
    return this;
  }

  /**
   * Connects to the shim whose socket is `path`. `onState` hears its state at once and after each change; `onLost`
   * when it went away without having said that its process exited; `onStrange` of a state that can't be understood: a later
   * build started the shim.
   */
  static async open(
    path: string,
    onState: (state: ShimState) => void,
    onLost: () => void,
    onStrange: (why: string) => void = () => undefined,
  ): Promise<ShimConnection> {
    const connection = new ShimConnection(await open(path, CONTROL, 0));
    connection.#onStrange = onStrange;
    return connection.follow(onState, onLost);
  }

  /** Connects to a shim that waits for its work at `path`. */
  static async toSpare(path: string): Promise<ShimConnection> {
    return new ShimConnection(await dial(path));
  }

  /** A line without anybody at its other end. */
  static nowhere(): ShimConnection {
    return new ShimConnection(new Socket());
  }

  /** Whether the line is broken. */
  get lost(): boolean {
    return this.#lost;
  }

  /**
   * Gives a shim its work: a configuration behind room for a hello. It says that it is starting; then that it runs, or that
   * it failed.
   */
  start(message: Buffer, onState: (state: ShimState) => void, onLost: () => void): void {
    this.follow(onState, onLost);
    // Somebody may have killed it while nobody listened.
    if (this.#lost) return onLost();
    message.writeUInt8(START, 0);
    message.writeUInt32LE(message.length - ORDER, 4);
    this.#socket.write(message);
  }

  #parse(chunk: Buffer): ShimState[] {
    const states: ShimState[] = [];
    let buffer = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (buffer.length >= HEADER) {
      const end = HEADER + buffer.readUInt32LE(0);
      if (buffer.length < end) break;
      const state = buffer.readUInt16LE(4) === STATE ? readState(buffer.subarray(HEADER, end)) : undefined;
      if (typeof state === "string") this.#onStrange(state);
      else if (state !== undefined) states.push(state);
      buffer = buffer.subarray(end);
    }
    this.#pending = buffer;
    return states;
  }

  /** Sends an order with the number that it needs. */
  #send(type: number, number = 0): void {
    const message = Buffer.alloc(ORDER);
    message.writeUInt8(type, 0);
    message.writeUInt32LE(number >>> 0, 4);
    if (!this.#socket.destroyed) this.#socket.write(message);
  }

  /** Sends a signal to the process. */
  signal(number: number): void {
    this.#send(messages.signal, number);
  }

  /** Sets the terminal's size. */
  resize(rows: number, columns: number): void {
    this.#send(messages.resize, (rows & 0xffff) | ((columns & 0xffff) << 16));
  }

  /** Says how many attached clients must still come before output is read; 0 releases it. */
  expect(attaches: number): void {
    this.#send(messages.expect, attaches);
  }

  /** Lets a process go on that is held. */
  go(): void {
    this.#send(messages.go);
  }

  closeStdin(): void {
    this.#send(messages.closeStdin);
  }

  /** Lets go of the shim, which goes on. */
  close(): void {
    this.#exited = true;
    this.#socket.destroy();
  }
}
