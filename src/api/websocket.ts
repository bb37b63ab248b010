/**
 * The server's side of WebSockets (RFC 6455), as far as an attachment needs it: a handshake, binary messages both ways,
 * pings, the end. Bun puts an implementation of its own in the place of the package `ws`, which wants Bun's own server.
 * @module
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { failure } from "../errors/mod.ts";

/** What RFC 6455 has every server append to the client's key. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** Input comes in small pieces; who sends more in one frame is told that it is too big. */
const mostPayload = 16 << 20;
/** RFC 6455, section 7.4.1. */
const closeCodes = { normal: 1000, protocol: 1002, tooBig: 1009 } as const;

/** The answer to a handshake. Throws 400 if the request is none. */
export function handshake(request: IncomingMessage): string {
  const { headers, method } = request;
  const key = headers["sec-websocket-key"];
  if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket")
    throw failure("invalid-parameter", { message: "not websocket protocol" });
  if (key === undefined || Buffer.from(key, "base64").length !== 16)
    throw failure("invalid-parameter", { message: "mismatch challenge/response" });
  if (headers["sec-websocket-version"] !== "13")
    throw failure("invalid-parameter", { message: "missing or bad WebSocket Version" });
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const long = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + long);
  head[0] = 0x80 | opcode;
  head[1] = long === 0 ? length : long === 2 ? 126 : 127;
  if (long === 2) head.writeUInt16BE(length, 2);
  if (long === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A message of bytes. */
export function binaryFrame(payload: Uint8Array): Buffer {
  return frame(opcodes.binary, payload);
}

/** A message of text: what Docker sent before 1.28. */
export function textFrame(payload: Uint8Array): Buffer {
  return frame(opcodes.text, payload);
}

/** The end: an ordinary one, or because of what the client sent. */
export function closeFrame(why: keyof typeof closeCodes = "normal"): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(closeCodes[why], 0);
  return frame(opcodes.close, payload);
}

/** What a client's bytes mean. */
export interface WebSocketSink {
  data(payload: Uint8Array): void;
  /** To be sent back. */
  reply(frame: Buffer): void;
  /** The client has said all. */
  end(): void;
  /** The client doesn't keep to the protocol: after this nothing more comes. */
  broken(why: "protocol" | "tooBig"): void;
}

/** Takes frames from a client's bytes, however they are cut. */
export class WebSocketReader {
  readonly #sink: WebSocketSink;
  #pending: Buffer = Buffer.alloc(0);
  #over = false;
  /** Whether a message has begun whose end is yet to come. */
  #within = false;

  constructor(sink: WebSocketSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    while (!this.#over && this.#next());
  }

  /** Reads one frame; whether there was a whole one. */
  #next(): boolean {
    const bytes = this.#pending;
    if (bytes.length < 2) return false;
    const [first = 0, second = 0] = bytes;
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    const short = second & 0x7f;
    const control = opcode >= 8;
    // Reserved bits mean extensions, and none was agreed on; clients mask whatever they send.
    if ((first & 0x70) !== 0 || (second & 0x80) === 0) return this.#break("protocol");
    if (control && (!final || short > 125)) return this.#break("protocol");
    const long = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (bytes.length < 6 + long) return false;
    const length = long === 0 ? short : long === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (length > mostPayload) return this.#break("tooBig");
    const start = 6 + long;
    if (bytes.length < start + length) return false;
    const payload = Buffer.from(bytes.subarray(start, start + length));
    const mask = bytes.subarray(start - 4, start);
    for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
    this.#pending = bytes.subarray(start + length);
    return this.#take(opcode, final, payload);
  }

  #take(opcode: number, final: boolean, payload: Buffer): boolean {
    switch (opcode) {
      case opcodes.text:
      case opcodes.binary:
      case opcodes.continuation:
        if ((opcode === opcodes.continuation) !== this.#within) return this.#break("protocol");
        this.#within = !final;
        if (payload.length > 0) this.#sink.data(payload);
        return true;
      case opcodes.ping:
        this.#sink.reply(frame(opcodes.pong, payload));
        return true;
      case opcodes.pong:
        return true;
      case opcodes.close:
        this.#over = true;
        this.#sink.end();
        return false;
      default:
        return this.#break("protocol");
    }
  }

  #break(why: "protocol" | "tooBig"): false {
    this.#over = true;
    this.#sink.broken(why);
    return false;
  }
}
