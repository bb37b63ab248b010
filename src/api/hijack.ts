/**
 * Takes a connection over for a process's input and output, in Docker's two forms: 101 for a client that asked to
 * upgrade, 200 and then raw bytes for one that didn't.
 * @module
 */
import type { Duplex, Readable } from "node:stream";
import type { Socket } from "node:net";
import { messageOf } from "../errors/mod.ts";
import { answerOf } from "./errors.ts";
import { DetachMatcher } from "./detach-keys.ts";
import { engineHeaders, type Exchange } from "./exchange.ts";
import { leaveParser } from "./inflow.ts";

/** Output without frames, and in every version before 1.42 with them too. */
export const rawStream = "application/vnd.docker.raw-stream";
/** Output in frames, since 1.42. */
export const multiplexedStream = "application/vnd.docker.multiplexed-stream";

/** How a connection that is taken over behaves. */
export interface TakeOverOptions {
  /** Output comes without frames. */
  readonly tty: boolean;
  /** Input is passed on; else it is read and dropped. */
  readonly input: boolean;
  /** Keys that end the connection and nothing else. */
  readonly detachKeys?: Uint8Array;
  /** The engine's headers are sent too: Docker sends them for exec, but not for attach. */
  readonly engineHeaders: boolean;
}

/** Why a connection ended: output ended, the client typed its detach keys, or it went. */
export type TakeOverEnd = "ended" | "detached" | "gone";

/** How long a client may go on sending after output has ended, before the connection is closed over its head. */
const lingerMilliseconds = 1000;

/** The status line and headers of a connection that is taken over, to the byte as dockerd writes them. */
function takeOverHead(exchange: Exchange, tty: boolean, withEngineHeaders: boolean): string {
  const headers = withEngineHeaders
    ? Object.entries(engineHeaders)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")
    : "";
  if (exchange.mode !== "upgrade") return `HTTP/1.1 200 OK\r\nContent-Type: ${rawStream}\r\n${headers}\r\n`;
  const type = !tty && exchange.version >= 42 ? multiplexedStream : rawStream;
  return `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${headers}\r\n`;
}

/** Exchanges whose head is sent. */
const begun = new WeakSet<Exchange>();

/**
 * Sends the head, before there is any output: docker-py reads head and output by different means, and loses the output
 * that comes in one piece with the head.
 */
export function beginTakeOver(exchange: Exchange, tty: boolean, withEngineHeaders: boolean): void {
  if (begun.has(exchange) || exchange.request.socket.destroyed) return;
  begun.add(exchange);
  noteStatus(exchange, exchange.mode === "upgrade" ? 101 : 200);
  exchange.request.socket.write(takeOverHead(exchange, tty, withEngineHeaders));
}

/** Whether the head is sent: what fails now can only be told in the stream. */
export function hasBegun(exchange: Exchange): boolean {
  return begun.has(exchange);
}

/**
 * Joins the connection and a process's stream until one of them ends. Each end of a half passes on: the client's to
 * the process's input, output's to the client. Neither side runs ahead of the other by more than a socket's buffer.
 */
export async function takeOver(
  exchange: Exchange,
  stream: Duplex,
  options: TakeOverOptions,
): Promise<TakeOverEnd> {
  const { request } = exchange;
  const { socket } = request;
  if (socket.destroyed) {
    stream.destroy();
    return "gone";
  }
  socket.setTimeout(0);
  beginTakeOver(exchange, options.tty, options.engineHeaders);
  // A chunked body without an upgrade is the input itself, and the parser is needed to undo its chunks.
  const chunked = exchange.mode === "plain" && request.headers["transfer-encoding"] !== undefined;
  const inflow = exchange.inflow ?? (chunked ? undefined : leaveParser(socket));
  const source = inflow === undefined ? request : socket;
  const start = (data: (chunk: Uint8Array) => void, end: () => void): void => {
    if (inflow !== undefined) inflow.start(data, end);
    else request.on("data", data).once("end", end);
  };
  return join(socket, stream, source, start, options);
}

function join(
  socket: Socket,
  stream: Duplex,
  source: Readable,
  start: (data: (chunk: Uint8Array) => void, end: () => void) => void,
  options: TakeOverOptions,
): Promise<TakeOverEnd> {
  const matcher = options.detachKeys === undefined ? undefined : new DetachMatcher(options.detachKeys);
  return new Promise((resolve) => {
    let over = false;
    const finish = (end: TakeOverEnd): void => {
      if (over) return;
      over = true;
      if (end === "ended") closeGently(socket);
      else {
        stream.destroy();
        if (end === "detached") socket.destroySoon();
        else socket.destroy();
      }
      source.resume();
      resolve(end);
    };
    const passOn = (chunk: Uint8Array): void => {
      if (over || !options.input || stream.writableEnded) return;
      const { pass, detached } = matcher?.push(chunk) ?? { pass: chunk, detached: false };
      if (pass.length > 0 && !stream.write(pass) && !detached) source.pause();
      if (detached) finish("detached");
    };
    const endInput = (): void => {
      if (over || !options.input) return;
      const rest = matcher?.rest();
      if (rest !== undefined && rest.length > 0) stream.write(rest);
      stream.end();
    };
    stream.on("data", (chunk: Uint8Array) => {
      if (!socket.write(chunk)) stream.pause();
    });
    socket.on("drain", () => stream.resume());
    stream.on("drain", () => source.resume());
    stream.once("end", () => finish("ended"));
    stream.once("close", () => finish("ended"));
    stream.on("error", () => finish("ended"));
    socket.once("close", () => finish("gone"));
    socket.on("error", () => finish("gone"));
    start(passOn, endInput);
    if (!stream.writableNeedDrain) source.resume();
  });
}

/**
 * Ends the connection after all output. Its input is read on for a moment: closing a unix socket with unread bytes
 * gives the client ECONNRESET where it expects the end.
 */
function closeGently(socket: Socket): void {
  if (socket.destroyed) return;
  socket.once("end", () => socket.destroySoon());
  socket.end(() => {
    if (socket.readableEnded) socket.destroy();
    else setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
  });
  socket.resume();
}

/** Tells that an attachment failed, as dockerd does once it has the connection: a status line and plain text. */
export function refuseTakeOver(exchange: Exchange, error: unknown): void {
  const { status, message } = answerOf(
    error,
    `${exchange.request.method} ${exchange.request.url}`,
    exchange.log,
    exchange.engine,
  );
  const socket = exchange.request.socket;
  noteStatus(exchange, status);
  socket.write(
    `HTTP/1.1 ${status} ${reasons[status] ?? "Error"}\r\nContent-Type: ${rawStream}\r\n\r\n${message}\r\n`,
  );
  closeGently(socket);
}

/** For the audit log, which reads it where every other answer has its status. */
function noteStatus({ response }: Exchange, status: number): void {
  response.statusCode = status;
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** Tells in the stream itself why a process could not be started, as dockerd does for an exec. */
export function failInStream(exchange: Exchange, tty: boolean, error: unknown): void {
  const text = Buffer.from(`${messageOf(error)}\r\n`);
  const frame = Buffer.alloc(tty ? 0 : 8);
  if (!tty) {
    frame[0] = 1;
    frame.writeUInt32BE(text.length, 4);
  }
  const socket = exchange.request.socket;
  beginTakeOver(exchange, tty, true);
  socket.write(Buffer.concat([frame, text]));
  closeGently(socket);
}
