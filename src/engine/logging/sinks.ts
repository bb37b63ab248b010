/**
 * Connections to log servers: streams (TCP, TLS, unix), UDP, and unix datagrams by way of an executor.
 * @module
 */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect as connectNet, isIPv6, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { failure, messageOf, type CaissonError } from "../../errors/mod.ts";
import {
  bytes,
  int,
  KernelError,
  ProgramBuilder,
  struct,
  type Executor,
  type Program,
  type Slot,
} from "../../kernel/mod.ts";
import type { LogSink } from "./remote.ts";

/** Milliseconds that connecting may take. */
const CONNECT_TIMEOUT = 10_000;

const errnoTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  ENOENT: "no such file or directory",
  ENETUNREACH: "network is unreachable",
  EHOSTUNREACH: "no route to host",
  ETIMEDOUT: "i/o timeout",
  EACCES: "permission denied",
  EPIPE: "broken pipe",
};

function reasonOf(error: unknown): string {
  const code =
    error instanceof KernelError
      ? error.errnoName
      : error instanceof Error && "code" in error
        ? String(error.code)
        : "";
  return errnoTexts[code] ?? messageOf(error);
}

/** Go's text for an address that can't be reached. */
function dialError(network: string, address: string, error: unknown): CaissonError {
  return failure(
    "unavailable",
    { message: `dial ${network} ${address}: connect: ${reasonOf(error)}` },
    error,
  );
}

/** Where a stream goes. */
export type StreamAddress =
  | { readonly network: "unix"; readonly path: string }
  | {
      readonly network: "tcp";
      readonly host: string;
      readonly port: number;
      /** Undefined: without TLS. */
      readonly tls?: ConnectionOptions;
    };

/** The address of a host by its name. @throws unavailable in Go's words */
async function addressOf(network: string, host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw failure("unavailable", { message: `dial ${network}: lookup ${host}: no such host` }, error);
  }
}

const shown = (host: string, port: number): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Connects. A write may take `writeTimeout` ms, if it is given and not 0. @throws unavailable in Go's words */
export async function openStream(address: StreamAddress, writeTimeout?: number): Promise<StreamSink> {
  const host = address.network === "tcp" ? await addressOf("tcp", address.host) : "";
  const target = address.network === "unix" ? address.path : shown(host, address.port);
  return new Promise((resolve, reject) => {
    const { network } = address;
    let socket: Socket;
    if (network === "unix") socket = connectNet({ path: address.path });
    else if (address.tls === undefined) {
      const to: NetConnectOpts = { host, port: address.port, keepAlive: true, noDelay: true };
      socket = connectNet(to);
    } else {
      const servername =
        isIPv6(address.host) || /^[\d.]+$/.test(address.host) ? {} : { servername: address.host };
      socket = connectTls({ host, port: address.port, ...servername, ...address.tls });
    }
    const timer = setTimeout(
      () => socket.destroy(failure("unavailable", { message: "i/o timeout" })),
      CONNECT_TIMEOUT,
    );
    const refused = (error: Error): void => {
      clearTimeout(timer);
      reject(dialError(network, target, error));
    };
    socket.once("error", refused);
    socket.once(network === "tcp" && address.tls !== undefined ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.removeListener("error", refused);
      resolve(new StreamSink(socket, writeTimeout));
    });
  });
}

/** A stream of bytes to a server. */
export class StreamSink implements LogSink {
  readonly #socket: Socket;
  readonly #writeTimeout: number | undefined;
  #lost: Error | undefined;
  /** Who waits for the end of a write. */
  #waiting: ((error: Error) => void) | undefined;
  /** Hears what the server says. */
  onData: ((chunk: Buffer) => void) | undefined;
  /** Hears when the connection is lost. */
  onLost: ((error: Error) => void) | undefined;

  constructor(socket: Socket, writeTimeout: number | undefined) {
    this.#socket = socket;
    this.#writeTimeout = writeTimeout;
    socket.on("data", (chunk: Buffer) => this.onData?.(chunk));
    socket.on("error", (error) => this.#lose(error));
    socket.on("end", () =>
      this.#lose(failure("unavailable", { message: "the server closed the connection" })),
    );
    socket.on("close", () => this.#lose(failure("unavailable", { message: "the connection was closed" })));
    // The engine may leave while a log server is connected.
    socket.unref();
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    // First, as a write that is destroyed fails with no reason of its own.
    this.#waiting?.(this.#lost);
    this.#socket.destroy();
    this.onLost?.(this.#lost);
  }

  /** Resolves when the kernel has taken all of it. */
  async send(messages: readonly Buffer[]): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const bytesToSend =
      messages.length === 1 && messages[0] !== undefined ? messages[0] : Buffer.concat(messages);
    await new Promise<void>((resolve, reject) => {
      const timer =
        this.#writeTimeout === undefined || this.#writeTimeout === 0
          ? undefined
          : setTimeout(
              () => this.#lose(failure("unavailable", { message: "write: i/o timeout" })),
              this.#writeTimeout,
            );
      const done = (error?: Error | null): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        if (error === undefined || error === null) resolve();
        else reject(error);
      };
      this.#waiting = done;
      this.#socket.write(bytesToSend, done);
    });
  }

  close(): void {
    this.#lost ??= failure("unavailable", { message: "the connection was closed" });
    this.#socket.end();
    this.#socket.destroySoon();
  }
}

/** Datagrams to a server: nobody says whether they arrive. @throws unavailable in Go's words */
export async function openUdp(host: string, port: number): Promise<LogSink> {
  const address = await addressOf("udp", host);
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, () => resolve());
  }).catch((error: unknown) => {
    throw dialError("udp", shown(address, port), error);
  });
  socket.unref();
  return {
    send: async (messages) => {
      for (const message of messages) {
        await new Promise<void>((resolve) => {
          // One that is too long, or refused, is lost like any other datagram.
          socket.send(message, port, address, () => resolve());
        });
      }
    },
    close: () => socket.close(),
  };
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Datagrams that one program sends at most, and milliseconds that it has: whoever gets them may be stuck. */
const PROGRAM_MESSAGES = 256;
const PROGRAM_DEADLINE = 10_000;

/** struct sockaddr_un of `path`. */
function unixAddress(path: string): Uint8Array {
  const text = Buffer.from(path);
  const address = Buffer.alloc(Math.max(2 + text.length + 1, 3));
  address.writeUInt16LE(AF_UNIX, 0);
  text.copy(address, 2);
  return address;
}

/**
 * Datagrams to a unix socket. The engine's own runtime has none, so an executor holds the socket: each batch is a program
 * of `sendto` calls. @throws unavailable in Go's words
 */
export async function openUnixDatagrams(path: string, session: () => Executor): Promise<LogSink> {
  const executor = session();
  const to = unixAddress(path);
  // The first program fills the slot, the others use it. One that takes too long ends the executor, and with it the sink.
  const program = (fill: (b: ProgramBuilder, slot: Slot) => void): Program => {
    const b = new ProgramBuilder();
    fill(b, b.slot("log socket"));
    return b.build();
  };
  const doing = `send to ${path}`;
  try {
    const open = program((b, slot) => {
      b.call(
        "make a socket",
        "socket",
        [int(AF_UNIX, "AF_UNIX"), int(SOCK_DGRAM | SOCK_CLOEXEC, "SOCK_DGRAM|SOCK_CLOEXEC"), 0],
        { into: slot },
      );
      b.call("connect to the log", "connect", [slot, struct(to, JSON.stringify(path)), to.length]);
    });
    await executor.run(open, { doing });
  } catch (error) {
    executor.close();
    throw dialError("unixgram", path, error);
  }
  return {
    send: async (messages) => {
      for (let from = 0; from < messages.length; from += PROGRAM_MESSAGES) {
        const send = program((b, slot) => {
          for (const message of messages.slice(from, from + PROGRAM_MESSAGES)) {
            const how = int(MSG_NOSIGNAL, "MSG_NOSIGNAL");
            b.call("send a record", "sendto", [slot, bytes(message, "…"), message.length, how, 0, 0], {
              // Longer than the other side takes.
              tolerate: ["EMSGSIZE"],
            });
          }
        });
        await executor.run(send, { doing, deadline: PROGRAM_DEADLINE });
      }
    },
    close: () => executor.close(),
  };
}
