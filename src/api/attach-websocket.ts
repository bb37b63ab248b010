/**
 * Joins a container's streams and a WebSocket.
 * @module
 */
import type { Attachment } from "../engine/mod.ts";
import { DetachMatcher } from "./detach-keys.ts";
import type { Exchange } from "./exchange.ts";
import { failure } from "../errors/mod.ts";
import { FrameStripper } from "./stream-frames.ts";
import { binaryFrame, closeFrame, handshake, textFrame, WebSocketReader } from "./websocket.ts";

/** Binary messages came with this version, as NN of 1.NN. */
const binarySince = 28;

/** How the connection behaves. */
export interface WebSocketOptions {
  /** Input is passed on; else it is read and dropped. */
  readonly input: boolean;
  /** Keys that end a terminal's connection and nothing else. */
  readonly detachKeys: Uint8Array;
}

/**
 * Agrees to the client's wish, then passes messages both ways until output ends, the client leaves by its keys, or it
 * goes. `open` gives the container's streams; what it throws is an ordinary answer. Resolves to whether keys were typed.
 */
export async function joinWebSocket(
  exchange: Exchange,
  open: () => Promise<Attachment>,
  options: WebSocketOptions,
): Promise<boolean> {
  const { request, inflow } = exchange;
  const answer = handshake(request);
  if (inflow === undefined) throw failure("invalid-parameter", { message: "not websocket protocol" });
  const { tty, stream } = await open();
  const { socket } = request;
  if (socket.destroyed) {
    stream.destroy();
    return false;
  }
  socket.setTimeout(0);
  socket.write(answer);
  const frames = tty ? undefined : new FrameStripper();
  const message = exchange.version >= binarySince ? binaryFrame : textFrame;
  const matcher = tty && options.input ? new DetachMatcher(options.detachKeys) : undefined;
  return new Promise((resolve) => {
    let over = false;
    const finish = (last: Buffer | undefined, detached = false): void => {
      if (over) return;
      over = true;
      if (last === undefined) socket.destroy();
      else socket.end(last, () => socket.destroySoon());
      stream.destroy();
      resolve(detached);
    };
    // Who attached no input has none to end.
    const endInput = (): void => {
      if (options.input) stream.end();
    };
    const reader = new WebSocketReader({
      data: (payload) => {
        if (over || !options.input || stream.writableEnded) return;
        const { pass, detached } = matcher?.push(payload) ?? { pass: payload, detached: false };
        if (pass.length > 0 && !stream.write(pass) && !detached) socket.pause();
        if (detached) finish(closeFrame(), true);
      },
      reply: (frame) => void socket.write(frame),
      // It may still want to read what comes.
      end: endInput,
      broken: (why) => finish(closeFrame(why)),
    });
    stream.on("data", (chunk: Uint8Array) => {
      for (const payload of frames?.push(chunk) ?? [chunk])
        if (!socket.write(message(payload))) stream.pause();
    });
    socket.on("drain", () => stream.resume());
    stream.on("drain", () => socket.resume());
    stream.once("end", () => finish(closeFrame()));
    stream.once("close", () => finish(closeFrame()));
    stream.on("error", () => finish(closeFrame()));
    socket.once("close", () => finish(undefined));
    socket.on("error", () => finish(undefined));
    inflow.start((chunk) => reader.push(chunk), endInput);
    socket.resume();
  });
}
