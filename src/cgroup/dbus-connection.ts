/**
 * A client of D-Bus: authentication by the socket's credentials, calls with replies, signals.
 * @module
 */
import { connect, type Socket } from "node:net";
import { failure, messageOf, type CaissonError } from "../errors/mod.ts";
import { decodeMessage, encodeMessage, messageLength, type BusMessage, type BusValue } from "./dbus-wire.ts";

const DEADLINE = 25_000;

/** What a call goes to. */
export interface BusObject {
  /** Undefined on a socket without a bus between. */
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
}

/** The other side answered a call with an error. */
export interface BusError extends CaissonError {
  /** `org.freedesktop.systemd1.NoSuchUnit` */
  readonly busErrorName: string;
}

/** Whether `error` is the answer `name` to a call. */
export function isBusError(error: unknown, name: string): error is BusError {
  return error instanceof Error && "busErrorName" in error && error.busErrorName === name;
}

interface Waiting {
  readonly resolve: (body: readonly BusValue[]) => void;
  readonly reject: (error: Error) => void;
  readonly member: string;
}

/** A connection; it doesn't keep the engine from leaving. */
export class BusConnection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #handlers = new Set<(signal: BusMessage) => void>();
  #serial = 0;
  #buffer: Buffer = Buffer.alloc(0);
  /** While the connection is being opened: takes why it failed, or nothing. */
  #opening: ((reason?: string) => void) | undefined;
  #lost: string | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Connects to the socket at `path` and says who we are. Fails with `systemd-unreachable`. */
  static async open(path: string): Promise<BusConnection> {
    const socket = connect({ path });
    const connection = new BusConnection(socket);
    const user = Buffer.from(String(process.geteuid?.() ?? 0)).toString("hex");
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => connection.#end("no answer"), DEADLINE);
      connection.#opening = (reason) => {
        clearTimeout(timer);
        if (reason === undefined) resolve();
        else reject(failure("systemd-unreachable", { socket: path, reason }));
      };
      socket.on("data", (chunk: Buffer) => connection.#receive(chunk));
      socket.on("error", (error) => connection.#end(error.message));
      socket.on("close", () => connection.#end("the connection ended"));
      socket.on("connect", () => socket.write(`\0AUTH EXTERNAL ${user}\r\n`));
    });
    socket.unref();
    return connection;
  }

  /** Whether calls can't be made any more. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Calls a method and waits for its reply. An error of the other side satisfies {@link isBusError}. */
  call(
    object: BusObject,
    member: string,
    signature = "",
    ...body: readonly BusValue[]
  ): Promise<readonly BusValue[]> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(failure("systemd-refused", { call: member, reason: this.#lost }));
        return;
      }
      const serial = ++this.#serial;
      const timer = setTimeout(() => {
        this.#waiting.delete(serial);
        reject(failure("systemd-refused", { call: member, reason: "no answer" }));
      }, DEADLINE);
      this.#waiting.set(serial, {
        member,
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#socket.ref();
      this.#socket.write(encodeMessage({ ...object, type: "call", serial, member, signature, body }));
    });
  }

  /** Calls `handler` for each signal, until the returned function is called. */
  onSignal(handler: (signal: BusMessage) => void): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  close(): void {
    this.#end("the connection was closed");
  }

  #receive(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    try {
      if (this.#opening !== undefined && !this.#greet()) return;
      for (;;) {
        const length = messageLength(this.#buffer);
        if (length === undefined || this.#buffer.length < length) return;
        const message = decodeMessage(this.#buffer.subarray(0, length));
        this.#buffer = this.#buffer.subarray(length);
        this.#dispatch(message);
      }
    } catch (error) {
      this.#end(messageOf(error));
    }
  }

  /** Whether the other side knows us now. */
  #greet(): boolean {
    const end = this.#buffer.indexOf("\r\n");
    if (end < 0) return false;
    const line = this.#buffer.toString("latin1", 0, end);
    this.#buffer = this.#buffer.subarray(end + 2);
    if (!line.startsWith("OK ")) {
      this.#end(`authentication failed: ${line}`);
      return false;
    }
    this.#socket.write("BEGIN\r\n");
    this.#opening?.();
    this.#opening = undefined;
    return true;
  }

  #dispatch(message: BusMessage): void {
    if (message.type === "signal") {
      for (const handler of this.#handlers) handler(message);
      return;
    }
    const serial = message.replySerial ?? -1;
    const waiting = this.#waiting.get(serial);
    if (waiting === undefined) return;
    this.#waiting.delete(serial);
    if (this.#waiting.size === 0) this.#socket.unref();
    if (message.type === "reply") {
      waiting.resolve(message.body);
      return;
    }
    const [text] = message.body;
    const reason = typeof text === "string" ? text : (message.errorName ?? "error");
    const error = failure("systemd-refused", { call: waiting.member, reason });
    waiting.reject(Object.assign(error, { busErrorName: message.errorName ?? "" }));
  }

  #end(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#socket.destroy();
    this.#opening?.(reason);
    this.#opening = undefined;
    for (const { reject, member } of this.#waiting.values()) {
      reject(failure("systemd-refused", { call: member, reason }));
    }
    this.#waiting.clear();
  }
}
