/**
 * What a client sends on a connection that HTTP's parser has left: first perhaps a body, then a process's input.
 * @module
 */
import type { Socket } from "node:net";
import { failure } from "../errors/mod.ts";

/** Bytes of a connection in order, beginning with those that the parser had read too far. */
export class Inflow {
  readonly #socket: Socket;
  #pending: Buffer;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#pending = head;
    socket.pause();
  }

  /** Exactly the next `length` bytes. Throws 400 if the client ends before. */
  async take(length: number): Promise<Buffer> {
    while (this.#pending.length < length) this.#pending = Buffer.concat([this.#pending, await this.#more()]);
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken;
  }

  /** The next line, without CR LF. Throws 400 if it is longer than `limit`. */
  async takeLine(limit: number): Promise<string> {
    for (;;) {
      const end = this.#pending.indexOf("\n");
      if (end >= 0) return (await this.take(end + 1)).toString("latin1").trimEnd();
      if (this.#pending.length > limit) throw incomplete();
      this.#pending = Buffer.concat([this.#pending, await this.#more()]);
    }
  }

  /** Drops `bytes` if they are the next ones and have come already. */
  drop(bytes: string): void {
    if (this.#pending.subarray(0, bytes.length).toString("latin1") === bytes)
      this.#pending = this.#pending.subarray(bytes.length);
  }

  /** From now on gives everything to `data`, and calls `end` after the last. */
  start(data: (chunk: Uint8Array) => void, end: () => void): void {
    const pending = this.#pending;
    this.#pending = Buffer.alloc(0);
    if (pending.length > 0) data(pending);
    if (this.#socket.readableEnded) return end();
    this.#socket.on("data", data);
    this.#socket.once("end", end);
  }

  #more(): Promise<Buffer> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      if (socket.destroyed || socket.readableEnded) return reject(incomplete());
      const settle = (): void => {
        socket.off("data", got).off("end", ended).off("close", ended);
        socket.pause();
      };
      const got = (chunk: Buffer): void => {
        settle();
        resolve(chunk);
      };
      const ended = (): void => {
        settle();
        reject(incomplete());
      };
      socket.on("data", got).on("end", ended).on("close", ended);
      socket.resume();
    });
  }
}

/**
 * Takes a connection from HTTP's parser after a whole request that didn't ask for an upgrade: from now on its bytes
 * are not requests. (What the parser has already seen of them is lost; raw-request.ts prevents that.)
 */
export function leaveParser(socket: Socket): Inflow {
  socket.removeAllListeners("data").removeAllListeners("end");
  return new Inflow(socket, Buffer.alloc(0));
}

function incomplete(): Error {
  return failure("invalid-parameter", { message: "invalid JSON: unexpected EOF" });
}
