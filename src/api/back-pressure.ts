/**
 * Makes a client wait whose upload is read more slowly than it is sent. With a connection that was handed to Node's
 * HTTP server, Bun's parser doesn't do so by itself: it would buffer without bound.
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

const most = 1 << 20;
const uploads = new WeakMap<Socket, IncomingMessage>();

function check(this: Socket): void {
  const request = uploads.get(this);
  if (request !== undefined && request.readableLength > most) this.pause();
}

/** Watches a connection: one listener for all of its requests. */
export function watchUploads(socket: Socket): void {
  socket.on("data", check);
}

/** Ends the watch, when the connection stops being HTTP's. */
export function unwatchUploads(socket: Socket): void {
  socket.off("data", check);
}

/** Pauses the request's connection while more than 1 MiB of its body waits to be read. */
export function holdBack(request: IncomingMessage): void {
  const { socket } = request;
  uploads.set(socket, request);
  const read = request._read.bind(request);
  request._read = (size) => {
    read(size);
    if (socket.isPaused()) socket.resume();
  };
}
