/**
 * Requests byte by byte, as a client sends them that keeps to no rule of HTTP, and whatever comes back.
 * @module
 */
import { connect } from "node:net";
import { patience } from "../support/patience.ts";

/** A request as it goes out. */
export interface WireRequest {
  readonly method: string;
  /** With the query, encoded as it is to be sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** After so many bytes of the body (at most; none: the head alone) the client goes without a word. */
  readonly cutAfter?: number;
  /** An answer that goes on is left this many ms after its head came. */
  readonly leaveAfter?: number;
  /** Without an answer after so many ms there is none: it may be one that only comes with an end. */
  readonly silentAfter?: number;
  /** What is sent once the head of the answer is there: a process's input. */
  readonly input?: string;
}

/** What came back. */
export interface WireAnswer {
  /** 0: none; the client went first, or the server closed the connection. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The whole answer is here. */
  readonly whole: boolean;
}

/** Longest for an answer, in ms: what hangs is a defect. */
const longest = 90_000 * patience;

/** Sends a request over a connection of its own. Rejects if there is neither an answer nor an end. */
export function send(socketPath: string, request: WireRequest): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const { method, target, headers, body, cutAfter, leaveAfter, silentAfter, input } = request;
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    const chunks: Buffer[] = [];
    let settled = false;
    let inside = false;
    const finish = (): void => {
      if (settled) return;
      settled = true;
      clearTimeout(hang);
      socket.destroy();
      resolve(parsed(method, Buffer.concat(chunks)));
    };
    const hang = setTimeout(() => {
      if (silentAfter !== undefined) return finish();
      settled = true;
      socket.destroy();
      reject(new Error(`${method} ${target}: no answer`));
    }, silentAfter ?? longest);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.on("connect", () => {
      const sent = cutAfter === undefined ? body : body.subarray(0, cutAfter);
      const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
      socket.write(Buffer.concat([head, sent]), () => {
        if (cutAfter !== undefined) setTimeout(finish, 5);
      });
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const whole = Buffer.concat(chunks);
      if (!inside && whole.includes("\r\n\r\n")) {
        inside = true;
        if (input !== undefined) socket.end(input);
        if (leaveAfter !== undefined) setTimeout(finish, leaveAfter);
      }
      if (inside && parsed(method, whole).whole) finish();
    });
    // A server that closes early may reset the connection; what it said before is here.
    socket.on("error", finish);
    socket.on("end", finish);
    socket.on("close", finish);
  });
}

function parsed(method: string, bytes: Buffer): WireAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, headers: {}, body: Buffer.alloc(0), whole: false };
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(first.split(" ")[1]);
  const rest = bytes.subarray(end + 4);
  if (method === "HEAD" || status === 204 || status === 304)
    return { status, headers, body: Buffer.alloc(0), whole: true };
  if (headers["transfer-encoding"] === "chunked") return { status, headers, ...unchunked(rest) };
  const length = headers["content-length"];
  if (length === undefined) return { status, headers, body: rest, whole: false };
  return { status, headers, body: rest.subarray(0, Number(length)), whole: rest.length >= Number(length) };
}

function unchunked(bytes: Buffer): { body: Buffer; whole: boolean } {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return { body: Buffer.concat(parts), whole: false };
    const size = Number.parseInt(bytes.subarray(at, line).toString("latin1"), 16);
    if (size === 0) return { body: Buffer.concat(parts), whole: true };
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
