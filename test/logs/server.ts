/**
 * Log servers for the tests, as a program that runs in an engine's network: `bun server.ts KIND WHERE FILE [MODE]`. What
 * arrives is appended to FILE, a line of JSON each. It says `ready` on stdout.
 *
 *   udp PORT          each datagram
 *   stream PORT|PATH  each line, or text up to a NUL
 *   tls PORT          the same; MODE is a directory with key.pem and cert.pem
 *   fluentd PORT|PATH each message of the forward protocol; MODE `ack`: acknowledged
 * @module
 */
import { createSocket } from "node:dgram";
import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

const [, , kind = "", where = "", file = "", mode = ""] = process.argv;

function keep(values: readonly unknown[]): void {
  if (values.length > 0) appendFileSync(file, values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}

function lines(socket: Socket): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const parts = Buffer.concat([rest, chunk])
      .toString("latin1")
      .split(/[\n\0]/);
    rest = Buffer.from(parts.pop() ?? "", "latin1");
    keep(parts.map((part) => Buffer.from(part, "latin1").toString("utf8")));
  });
  socket.on("error", () => undefined);
}

/** Reads one value of MessagePack; undefined: it isn't whole. */
class Unpacker {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #number(size: number): number {
    this.at += size;
    if (this.at > this.#bytes.length) throw new RangeError();
    return this.#bytes.readUIntBE(this.at - size, size);
  }

  #text(length: number): string {
    this.at += length;
    if (this.at > this.#bytes.length) throw new RangeError();
    return this.#bytes.toString("utf8", this.at - length, this.at);
  }

  #list(length: number): unknown[] {
    return Array.from({ length }, () => this.value());
  }

  #map(pairs: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (let i = 0; i < pairs; i++) {
      const key = String(this.value());
      result[key] = this.value();
    }
    return result;
  }

  value(): unknown {
    const head = this.#number(1);
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 15);
    if (head < 0xa0) return this.#list(head & 15);
    if (head < 0xc0) return this.#text(head & 31);
    switch (head) {
      case 0xce:
        return this.#number(4);
      case 0xd7:
        return { type: this.#number(1), seconds: this.#number(4), nanoseconds: this.#number(4) };
      case 0xd9:
        return this.#text(this.#number(1));
      case 0xda:
        return this.#text(this.#number(2));
      case 0xdb:
        return this.#text(this.#number(4));
      case 0xde:
        return this.#map(this.#number(2));
      default:
        throw new Error(`unexpected ${head.toString(16)}`);
    }
  }
}

function fluentd(socket: Socket): void {
  let rest = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const unpacker = new Unpacker(rest);
    const messages: unknown[] = [];
    let whole = 0;
    try {
      for (;;) {
        const message = unpacker.value();
        messages.push(message);
        whole = unpacker.at;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    rest = rest.subarray(whole);
    keep(messages);
    if (mode !== "ack") return;
    for (const message of messages) {
      const chunkId = ((message as unknown[])[3] as { chunk?: string }).chunk;
      if (chunkId === undefined) continue;
      socket.write(
        Buffer.concat([
          Buffer.of(0x81, 0xa3),
          Buffer.from("ack"),
          Buffer.of(0xd9, chunkId.length),
          Buffer.from(chunkId),
        ]),
      );
    }
  });
}

const ready = (): void => console.log("ready");

function listen(server: ReturnType<typeof createServer>): void {
  if (/^\d+$/.test(where)) server.listen(Number(where), "127.0.0.1", ready);
  else {
    rmSync(where, { force: true });
    server.listen(where, ready);
  }
}

if (kind === "udp") {
  const socket = createSocket("udp4");
  socket.on("message", (message) => keep([message.toString("base64")]));
  socket.bind(Number(where), "127.0.0.1", ready);
} else if (kind === "tls") {
  const options = { key: readFileSync(`${mode}/key.pem`), cert: readFileSync(`${mode}/cert.pem`) };
  listen(createTlsServer(options, lines));
} else listen(createServer(kind === "fluentd" ? fluentd : lines));
