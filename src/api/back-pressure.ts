/**
 * Makes a client wait whose upload is read more slowly than it is sent. With a connection that was handed to Node's
 * HTTP server, Bun's parser doesn't do so by itself: it would buffer without bound.
 * @module
 */
import type { IncomingMessage } from "node:http";

const most = 1 << 20;

/** Pauses the request's connection while more than 1 MiB of its body waits to be read. */
export function holdBack(request: IncomingMessage): void {
  const { socket } = request;
  const check = (): void => {
    if (request.readableLength > most) socket.pause();
  };
  const read = request._read.bind(request);
  request._read = (size) => {
    read(size);
    if (socket.isPaused()) socket.resume();
  };
  socket.on("data", check);
  request.once("close", () => {
    socket.off("data", check);
    if (socket.isPaused()) socket.resume();
  });
}
