/**
 * A stream to a process that doesn't run yet: what is written waits, what is read comes once it runs.
 * @module
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Both ways, joined to a shim's socket later by {@link DeferredStream.join}. Back-pressure passes through. */
export class DeferredStream extends Duplex {
  #socket: Socket | undefined;
  #waiting: { chunk: Buffer; callback: (error?: Error | null) => void } | undefined;
  #finishing: ((error?: Error | null) => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** Joins it to `socket`, whose end ends it, but not before `complete`: whoever sees the end may ask how it ended. */
  join(socket: Socket, complete?: Promise<void>): void {
    if (this.destroyed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    const end = (): void => {
      if (complete === undefined) this.push(null);
      else void complete.then(() => this.push(null));
    };
    socket.on("end", end);
    socket.on("error", () => socket.destroy());
    socket.on("close", end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#forward(socket, waiting.chunk, waiting.callback);
    const finishing = this.#finishing;
    this.#finishing = undefined;
    if (finishing !== undefined) {
      socket.end();
      finishing();
    }
  }

  /** Ends it without a process: its container failed to start. */
  abandon(): void {
    if (this.#socket !== undefined) return;
    this.push(null);
    this.#waiting?.callback();
    this.#waiting = undefined;
    this.#finishing?.();
    this.#finishing = undefined;
  }

  #forward(socket: Socket, chunk: Buffer, callback: (error?: Error | null) => void): void {
    // A process that is gone takes no more input: that is not an error of whoever sends it.
    if (socket.destroyed || !socket.writable || socket.write(chunk)) {
      callback();
      return;
    }
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      callback();
    };
    socket.on("drain", done);
    socket.on("close", done);
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    if (this.#socket === undefined) this.#waiting = { chunk, callback };
    else this.#forward(this.#socket, chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#socket === undefined) {
      this.#finishing = callback;
      return;
    }
    this.#socket.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // The half-close first: by it the shim tells a client that left from an engine that was killed, and ends the
    // process's stdin for the former alone (native/PROTOCOL.md).
    const socket = this.#socket;
    socket?.end(() => socket.destroy());
    socket?.resume();
    this.#waiting?.callback(error);
    this.#waiting = undefined;
    this.#finishing?.(error);
    this.#finishing = undefined;
    callback(error);
  }
}
