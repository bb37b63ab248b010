/**
 * What relays and the resolver say to each other (native/PROTOCOL.md, section 4). A connection begins with a hello; then
 * come frames: a length of two octets, big-endian, of what follows. On a container's own connection by TCP that is a DNS
 * message; on its relay's link it is the address of who asks by UDP, which comes back with the answer, and a DNS message.
 * @module
 */

/** Octets of an asker's address; the relay alone knows what they mean. */
const askerLength = 16;

/** How a connection's questions came. */
export type Transport = "udp" | "tcp";

export interface Hello {
  readonly transport: Transport;
  /** The container's id. */
  readonly container: string;
}

export interface Frame {
  /** Of no octets on a connection of its own; an answer carries its query's. */
  readonly asker: Uint8Array;
  readonly message: Uint8Array;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #hello: Hello | undefined;

  /** What the stream began with, as soon as that is there. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** The frames that are whole with `chunk`. Undefined: the stream is none of frames. */
  push(chunk: Buffer): readonly Frame[] | undefined {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    if (this.#hello === undefined) {
      const end = 2 + (bytes[1] ?? 0);
      if (bytes.length >= 2 && bytes.length >= end) {
        const transport = bytes[0] === 1 ? "tcp" : "udp";
        this.#hello = { transport, container: bytes.toString("latin1", 2, end) };
        bytes = bytes.subarray(end);
      }
    }
    const head = this.#hello?.transport === "tcp" ? 0 : askerLength;
    while (this.#hello !== undefined && bytes.length >= 2) {
      const end = 2 + bytes.readUInt16BE(0);
      if (end < 2 + head) return undefined;
      if (bytes.length < end) break;
      frames.push({ asker: bytes.subarray(2, 2 + head), message: bytes.subarray(2 + head, end) });
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return frames;
  }
}

/** The octets of a frame. Asker and message together have 65,535 octets at most. */
export function encodeFrame({ asker, message }: Frame): Buffer {
  const length = asker.length + message.length;
  const bytes = Buffer.allocUnsafe(2 + length);
  bytes.writeUInt16BE(length, 0);
  bytes.set(asker, 2);
  bytes.set(message, 2 + asker.length);
  return bytes;
}
