/**
 * Node's HTTP server over connections that were accepted elsewhere, with the routes behind it.
 * @module
 */
import { createServer, ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Engine } from "../engine/mod.ts";
import { holdBack, unwatchUploads, watchUploads } from "./back-pressure.ts";
import { Exchange, type ConnectionMode } from "./exchange.ts";
import { Inflow } from "./inflow.ts";
import type { Log } from "./log.ts";
import { askForRaw, rawUpgrade } from "./raw-request.ts";
import { hasBody, readForm } from "./request.ts";
import type { Router } from "./router.ts";
import { newest } from "./versions.ts";

/** Longest head of a request; X-Registry-Auth and URLs can be long. */
const maxHeaderSize = 1 << 20;
const keepAliveTimeout = 600_000;

/** The API on any number of connections. */
export interface ApiServer {
  /** Serves a connection, made with `allowHalfOpen`. */
  readonly accept: (socket: Socket) => void;
  /** Requests that are not answered, and connections that were taken over. */
  readonly open: number;
  /** Closes every connection. */
  readonly close: () => void;
}

/** Makes the server. It speaks HTTP on sockets that `accept` gives it, and listens nowhere by itself. */
export function createApiServer(engine: Engine, router: Router, log: Log): ApiServer {
  const connections = new Set<Socket>();
  let open = 0;

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    mode: ConnectionMode,
    inflow?: Inflow,
  ): Promise<void> => {
    // Go's server doesn't send these; the connection stays open all the same.
    if (mode === "plain" && response.shouldKeepAlive) response.removeHeader("Connection");
    const dispatch = { request, response, engine, log, mode, ...(inflow === undefined ? {} : { inflow }) };
    let exchange: Exchange | undefined;
    try {
      const { method = "", url = "" } = request;
      if (method === "OPTIONS") return new Exchange(dispatch, newest, "", []).empty(200);
      const { route, version, search, captures } = router.find(method, url);
      exchange = new Exchange(dispatch, version, search, captures);
      if (method === "POST" && route.body !== true && mode === "plain") {
        const form = await readForm(request);
        if (form !== undefined) exchange.addForm(form);
      }
      await route.handler(exchange);
    } catch (error) {
      (exchange ?? new Exchange(dispatch, newest, "", [])).fail(error);
    }
  };

  const server = createServer({ maxHeaderSize, keepAliveTimeout, requestTimeout: 0 }, (request, response) => {
    open++;
    response.once("close", () => open--);
    if (hasBody(request)) holdBack(request);
    void serve(request, response, "plain");
  });
  // A client that has said all may still wait for the answer. Endless answers end by Exchange.signal.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    open++;
    socket.once("close", () => open--);
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.once("finish", () => socket.end(() => socket.destroySoon()));
    unwatchUploads(socket);
    const mode = request.headers.upgrade === rawUpgrade ? "raw" : "upgrade";
    void serve(request, response, mode, new Inflow(socket, head));
  });
  server.on("clientError", (_error: Error, socket: Socket) => {
    if (!socket.writable) return void socket.destroy();
    socket.end(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request",
    );
  });

  return {
    accept: (socket) => {
      connections.add(socket);
      socket.once("close", () => connections.delete(socket));
      socket.on("error", () => socket.destroy());
      socket.once("data", (first: Buffer) => {
        server.emit("connection", socket);
        watchUploads(socket);
        socket.unshift(askForRaw(first));
      });
      // Gone without a word: nobody else looks after it yet.
      socket.once("end", () => {
        if (socket.bytesRead === 0) socket.destroy();
      });
    },
    get open() {
      return open;
    },
    close: () => {
      for (const socket of connections) socket.destroy();
    },
  };
}
