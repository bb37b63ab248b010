/**
 * What relays and the resolver say to each other on their stream (native/PROTOCOL.md, section 4): a length of two octets,
 * big-endian, of what follows: the relay's tag, the transport, and a DNS message.
 * @module
 */

/** Octets of tag and transport. */
const headLength = 5;

/** The tag of a relay's first frame, whose payload is the container's id. */
export const helloTag = 0xffffffff;

/** Transports; `hello` only with {@link helloTag}. */
export const transports = { udp: 0, tcp: 1, hello: 2 } as const;

export interface Frame {
  /** The relay's own; an answer carries its query's. */
  readonly tag: number;
  readonly transport: number;
  readonly payload: Uint8Array;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole with `chunk`. Undefined: the stream is none of frames. */
  push(chunk: Buffer): readonly Frame[] | undefined {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (bytes.length >= 2) {
      const length = bytes.readUInt16BE(0);
      if (length < headLength) return undefined;
      if (bytes.length < 2 + length) break;
      frames.push({
        tag: bytes.readUInt32BE(2),
        transport: bytes.readUInt8(6),
        payload: bytes.subarray(7, 2 + length),
      });
      bytes = bytes.subarray(2 + length);
    }
    this.#rest = bytes;
    return frames;
  }
}

/** The octets of a frame. A payload of more than 65,530 octets fits none. */
export function encodeFrame(frame: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(2 + headLength + frame.payload.length);
  bytes.writeUInt16BE(headLength + frame.payload.length, 0);
  bytes.writeUInt32BE(frame.tag, 2);
  bytes.writeUInt8(frame.transport, 6);
  bytes.set(frame.payload, 7);
  return bytes;
}
