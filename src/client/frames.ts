/**
 * Docker's multiplexed stream: 8-byte headers `[stream, 0, 0, 0, length (big-endian)]` before each piece of stdout or
 * stderr (Engine API, "Attach to a container: stream format").
 * @module
 */
import { failure } from "../errors/mod.ts";

/** Takes a piece of stdout (1) or stderr (2); the next piece is read once it resolves. */
export type FrameSink = (stream: 1 | 2, bytes: Uint8Array) => Promise<void> | void;

const headerLength = 8;
const systemError = 3;

/**
 * Takes `source` apart. Frames aren't assembled: pieces are passed on as they arrive, so memory is flat whatever a frame's
 * length.
 * @throws internal with the engine's text when it reports an error in the stream, or when the framing is broken
 */
export async function demultiplex(source: AsyncIterable<Uint8Array>, sink: FrameSink): Promise<void> {
  const header = new Uint8Array(headerLength);
  let have = 0;
  let stream = 0;
  let left = 0;
  let message = "";
  for await (const piece of source) {
    let at = 0;
    while (at < piece.length) {
      if (left === 0) {
        const wanted = Math.min(headerLength - have, piece.length - at);
        header.set(piece.subarray(at, at + wanted), have);
        have += wanted;
        at += wanted;
        if (have < headerLength) break;
        have = 0;
        stream = header[0] ?? 0;
        left = new DataView(header.buffer).getUint32(4);
        if (stream > systemError) {
          throw failure("internal", { message: `unrecognized stream: ${stream}` });
        }
        continue;
      }
      const part = piece.subarray(at, at + Math.min(left, piece.length - at));
      at += part.length;
      left -= part.length;
      if (stream !== systemError) await sink(stream === 2 ? 2 : 1, part);
      else {
        message += new TextDecoder().decode(part);
        if (left === 0) throw failure("internal", { message: `error from daemon in stream: ${message}` });
      }
    }
  }
}
