/**
 * HTTP/1.1 as an engine's client needs it (RFC 9112): one request and its answer on a {@link Wire}; bodies by length, in
 * chunks, or until the end.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Wire } from "./wire.ts";

/** A body to send: whole, or piece by piece in chunked coding. */
export type Payload = Uint8Array | AsyncIterable<Uint8Array>;

/** What is asked. `path` holds the query too. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The head of an answer; header names are in lower case. */
export interface ResponseHead {
  readonly status: number;
  /** `404 Not Found` */
  readonly reason: string;
  readonly headers: ReadonlyMap<string, string>;
}

const maxHead = 1 << 20;
const text = new TextDecoder();
const bytes = new TextEncoder();

/** Sends a request with its body. `host` is what the Host header says. */
export async function sendRequest(
  wire: Wire,
  head: RequestHead,
  host: string,
  body?: Payload,
): Promise<void> {
  const lines = [`${head.method} ${head.path} HTTP/1.1`, `Host: ${host}`, "User-Agent: caisson"];
  for (const [name, value] of Object.entries(head.headers)) lines.push(`${name}: ${value}`);
  const whole = body instanceof Uint8Array;
  if (whole) lines.push(`Content-Length: ${body.length}`);
  else if (body !== undefined) lines.push("Transfer-Encoding: chunked");
  else if (head.method === "POST" || head.method === "PUT") lines.push("Content-Length: 0");
  const encoded = bytes.encode(`${lines.join("\r\n")}\r\n\r\n`);
  if (!whole) await wire.write(encoded);
  else await wire.write(Buffer.concat([encoded, body]));
  if (body === undefined || whole) return;
  for await (const piece of body) {
    if (piece.length === 0) continue;
    await wire.write(bytes.encode(`${piece.length.toString(16)}\r\n`));
    await wire.write(piece);
    await wire.write(bytes.encode("\r\n"));
  }
  await wire.write(bytes.encode("0\r\n\r\n"));
}

/**
 * Reads the head of the answer; what follows it stays on the wire. Interim answers (100) are passed over.
 * @returns undefined when the peer closed without an answer
 */
export async function readHead(wire: Wire): Promise<ResponseHead | undefined> {
  for (;;) {
    const raw = await headText(wire);
    if (raw === undefined) return undefined;
    const head = parseHead(raw);
    if (head.status === 101 || head.status >= 200) return head;
  }
}

async function headText(wire: Wire): Promise<string | undefined> {
  let seen: Uint8Array = new Uint8Array(0);
  for (;;) {
    const chunk = await wire.read();
    if (chunk === undefined) {
      if (seen.length === 0) return undefined;
      throw failure("unavailable", {
        message: "the engine closed the connection in the middle of an answer",
      });
    }
    const from = Math.max(0, seen.length - 3);
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const at = Buffer.from(seen.buffer, seen.byteOffset, seen.length).indexOf("\r\n\r\n", from);
    if (at >= 0) {
      wire.unread(seen.subarray(at + 4));
      return text.decode(seen.subarray(0, at));
    }
    if (seen.length > maxHead) throw malformed("its head is longer than 1 MiB");
  }
}

function malformed(why: string): Error {
  return failure("unavailable", { message: `the engine's answer is not HTTP: ${why}` });
}

function parseHead(raw: string): ResponseHead {
  const [first = "", ...lines] = raw.split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(first);
  if (match === null) throw malformed(JSON.stringify(first.slice(0, 80)));
  const headers = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(":");
    if (at > 0) headers.set(line.slice(0, at).toLowerCase(), line.slice(at + 1).trim());
  }
  return { status: Number(match[1]), reason: `${match[1]} ${match[2]}`.trim(), headers };
}

/** Whether the connection can carry another request once this answer's body was read. */
export function reusable(method: string, head: ResponseHead): boolean {
  if (head.headers.get("connection")?.toLowerCase() === "close") return false;
  return bodyless(method, head) || chunked(head) || head.headers.has("content-length");
}

const chunked = (head: ResponseHead): boolean =>
  head.headers.get("transfer-encoding")?.toLowerCase().includes("chunked") === true;

const bodyless = (method: string, head: ResponseHead): boolean =>
  method === "HEAD" || head.status === 204 || head.status === 304;

/** The body of an answer, piece by piece as it arrives. Runs to its end, or breaks with the connection. */
export async function* readBody(wire: Wire, method: string, head: ResponseHead): AsyncGenerator<Uint8Array> {
  if (bodyless(method, head)) return;
  if (chunked(head)) yield* chunkedBody(wire);
  else if (head.headers.has("content-length"))
    yield* exactly(wire, Number(head.headers.get("content-length")));
  else {
    for (let piece = await wire.read(); piece !== undefined; piece = await wire.read()) yield piece;
  }
}

async function* exactly(wire: Wire, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0;) {
    const piece = await wire.read();
    if (piece === undefined) throw failure("unavailable", { message: "unexpected EOF" });
    wire.unread(piece.subarray(left));
    const mine = piece.subarray(0, left);
    left -= mine.length;
    yield mine;
  }
}

async function* chunkedBody(wire: Wire): AsyncGenerator<Uint8Array> {
  for (;;) {
    const line = await readLine(wire);
    const size = /^[0-9a-fA-F]{1,8}(?=\s*(?:;|$))/.exec(line);
    if (size === null) throw malformed(`chunk size ${JSON.stringify(line.slice(0, 20))}`);
    const length = Number.parseInt(size[0], 16);
    if (length === 0) break;
    yield* exactly(wire, length);
    await readLine(wire);
  }
  while ((await readLine(wire)) !== "");
}

async function readLine(wire: Wire): Promise<string> {
  let line = "";
  for (;;) {
    const chunk = await wire.read();
    if (chunk === undefined) throw failure("unavailable", { message: "unexpected EOF" });
    const at = chunk.indexOf(10);
    if (at >= 0) {
      wire.unread(chunk.subarray(at + 1));
      return (line + text.decode(chunk.subarray(0, at))).replace(/\r$/, "");
    }
    line += text.decode(chunk);
    if (line.length > maxHead) throw malformed("a line is longer than 1 MiB");
  }
}
