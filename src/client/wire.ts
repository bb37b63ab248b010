/**
 * A byte stream to the engine, read by pulling. The only file that opens sockets, by `Bun.connect`: importing node:http
 * and making its first request costs 40 ms of a command that takes 30 in all, this takes 2.
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import type { Endpoint, TlsFiles } from "./endpoint.ts";

/** Bytes that may wait for a reader before the peer is told to wait. */
const highWater = 1 << 18;

/** A connection: what the peer sends is pulled, so a slow reader slows the peer down and memory stays flat. */
export interface Wire {
  /** Sends `bytes`; resolves once the kernel has taken them all. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-closes: the peer reads an end, this side still reads. */
  end(): void;
  /** The next bytes, or undefined at the peer's end. Rejects when the connection broke. */
  read(): Promise<Uint8Array | undefined>;
  /** Puts bytes back in front of what {@link read} gives next. */
  unread(bytes: Uint8Array): void;
  /** Ends both directions at once. */
  close(): void;
  /** Whether the peer has closed or bytes nobody asked for lie here: such a connection is not used again. */
  readonly stale: boolean;
}

type Socket = Bun.Socket<undefined>;

/**
 * Connects to `endpoint`.
 * @throws no-engine when nobody listens there
 */
export async function dial(endpoint: Endpoint): Promise<Wire> {
  if (endpoint.kind === "command") {
    const { commandWire } = await import("./command-wire.ts");
    return commandWire(endpoint.command, endpoint.host);
  }
  const wire = new SocketWire();
  const socket = {
    data: (_: Socket, bytes: Buffer): void => wire.received(bytes),
    drain: (): void => wire.drained(),
    end: (): void => wire.ended(),
    close: (_: Socket, error?: Error): void => wire.ended(error),
    error: (_: Socket, error: Error): void => wire.ended(error),
  };
  try {
    if (endpoint.kind === "unix") {
      wire.socket = await Bun.connect({ unix: endpoint.path, allowHalfOpen: true, socket });
      return wire;
    }
    const { hostname, port, tls } = endpoint;
    if (tls === undefined) {
      wire.socket = await Bun.connect({ hostname, port, allowHalfOpen: true, socket });
      return wire;
    }
    // Nothing is sent before the engine's certificate was checked.
    const { promise: shaken, resolve, reject } = Promise.withResolvers<void>();
    const handshake = (_: Socket, ok: boolean, problem: Error | null): void => {
      if (ok || !tls.verify) resolve();
      else reject(problem ?? failure("unavailable", { message: "the engine's certificate is not trusted" }));
    };
    const lost = (_: Socket, error?: Error): void => {
      reject(error ?? failure("unavailable", { message: "the TLS handshake failed" }));
      wire.ended(error);
    };
    wire.socket = await Bun.connect({
      hostname,
      port,
      allowHalfOpen: true,
      tls: tlsOptions(tls, hostname),
      socket: { ...socket, handshake, error: lost, close: lost },
    });
    await shaken;
    return wire;
  } catch (error) {
    wire.close();
    throw failure("no-engine", { host: endpoint.host, reason: reasonOf(error) }, error);
  }
}

function tlsOptions(files: TlsFiles, hostname: string): Bun.TLSOptions {
  return {
    serverName: hostname,
    rejectUnauthorized: files.verify,
    ...(files.ca === undefined ? {} : { ca: Bun.file(files.ca) }),
    ...(files.cert === undefined ? {} : { cert: Bun.file(files.cert) }),
    ...(files.key === undefined ? {} : { key: Bun.file(files.key) }),
  };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ECONNREFUSED: "connection refused",
  EACCES: "permission denied",
  EPERM: "permission denied",
};

function reasonOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (messageOf(error) || "the connection failed");
}

class SocketWire implements Wire {
  socket: Socket | undefined;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #ended = false;
  #error: Error | undefined;
  #paused = false;
  #reader: (() => void) | undefined;
  #writer: (() => void) | undefined;

  get stale(): boolean {
    return this.#ended || this.#queue.length > 0;
  }

  received(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#queued > highWater && !this.#paused) {
      this.#paused = true;
      this.socket?.pause();
    }
    this.#wakeReader();
  }

  drained(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.();
  }

  ended(error?: Error): void {
    this.#ended = true;
    this.#error ??= error ?? undefined;
    this.#wakeReader();
    this.drained();
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#queued -= next.length;
        if (this.#paused && this.#queued === 0) {
          this.#paused = false;
          this.socket?.resume();
        }
        return next;
      }
      if (this.#error !== undefined) {
        throw failure(
          "unavailable",
          { message: `connection to the engine broke: ${this.#error.message}` },
          this.#error,
        );
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#queue.unshift(bytes);
    this.#queued += bytes.length;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = this.socket?.write(rest) ?? -1;
      if (taken < 0) throw failure("unavailable", { message: "connection to the engine is closed" });
      rest = rest.subarray(taken);
      if (rest.length === 0) return;
      await new Promise<void>((resolve) => {
        this.#writer = resolve;
      });
      if (this.#error !== undefined) {
        throw failure("unavailable", { message: "connection to the engine is closed" }, this.#error);
      }
    }
  }

  end(): void {
    this.socket?.shutdown();
  }

  close(): void {
    this.#ended = true;
    this.socket?.terminate();
    this.#wakeReader();
    this.drained();
  }

  #wakeReader(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.();
  }
}
