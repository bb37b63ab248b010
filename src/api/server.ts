/**
 * Node's HTTP server over connections that were accepted elsewhere, with the routes behind it.
 * @module
 */
import { createServer, ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { failure } from "../errors/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { holdBack, unwatchUploads, watchUploads } from "./back-pressure.ts";
import { Exchange, type ConnectionMode, type Dispatch } from "./exchange.ts";
import { Inflow } from "./inflow.ts";
import type { Log } from "./log.ts";
import type { Audit } from "./audit.ts";
import type { Peer } from "./peer.ts";
import { askForRaw, rawUpgrade } from "./raw-request.ts";
import { hasBody, readForm } from "./request.ts";
import type { Router } from "./router.ts";
import { newest } from "./versions.ts";

/** Longest head of a request; X-Registry-Auth and URLs can be long. */
const maxHeaderSize = 1 << 20;
/** What Go's server takes as a host: what RFC 3986 has in one, and an address's brackets and colons. */
const validHost = /^[\w.~%!$&'()*+,;=:[\]-]*$/;
const keepAliveTimeout = 600_000;

/** What stands behind a socket. */
export interface Door {
  /** As the configuration names it. */
  readonly host: string;
  /** The engine as far as those who come in here may use it. */
  readonly engine: Engine;
}

/** The API on any number of connections. */
export interface ApiServer {
  /** Serves connections of a socket, made with `allowHalfOpen`. */
  readonly behind: (door: Door) => (socket: Socket) => void;
  /** Requests that are not answered, and connections that were taken over. */
  readonly open: number;
  /** Closes every connection. */
  readonly close: () => void;
}

/** What the server works with beside the engines behind its doors. */
export interface ServerParts {
  readonly router: Router;
  readonly log: Log;
  /** Where requests are written down; undefined: nowhere. */
  readonly audit?: AuditDesk;
}

/** Where a request is written down, and who sends it; see audit.ts. */
export interface AuditDesk {
  readonly log: Audit;
  readonly identify: (socket: Socket) => Promise<Peer>;
}

/** A connection that was accepted. */
interface Connection {
  readonly door: Door;
  /** Who is at its other end, if that is to be written down. */
  readonly peer: Peer | undefined;
}

/** Makes the server. It speaks HTTP on sockets that it is given, and listens nowhere by itself. */
export function createApiServer({ router, log, audit }: ServerParts): ApiServer {
  const connections = new Map<Socket, Connection>();
  let open = 0;

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    mode: ConnectionMode,
    inflow?: Inflow,
  ): Promise<void> => {
    // Go's server doesn't send these; the connection stays open all the same.
    if (mode === "plain" && response.shouldKeepAlive) response.removeHeader("Connection");
    const { method = "", url = "" } = request;
    const connection = connections.get(request.socket);
    // Gone before its request was looked at.
    if (connection === undefined) return void response.destroy();
    const { engine } = connection.door;
    const dispatch = { request, response, engine, log, mode, ...(inflow === undefined ? {} : { inflow }) };
    let exchange: Exchange | undefined;
    if (audit !== undefined) writeDown(audit, connection, dispatch, () => exchange?.name ?? "");
    try {
      if (!validHost.test(request.headers.host ?? ""))
        throw failure("invalid-parameter", { message: "400 Bad Request: malformed Host header" });
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
    // The server passes this on only for connections that are still its own.
    socket.on("drain", () => response.emit("drain"));
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

  const begin = (socket: Socket): void => {
    socket.once("data", (first: Buffer) => {
      server.emit("connection", socket);
      watchUploads(socket);
      socket.unshift(askForRaw(first));
    });
  };

  return {
    behind: (door) => (socket) => {
      socket.once("close", () => connections.delete(socket));
      socket.on("error", () => socket.destroy());
      // Gone without a word: nobody else looks after it yet.
      socket.once("end", () => {
        if (socket.bytesRead === 0) socket.destroy();
      });
      connections.set(socket, { door, peer: undefined });
      if (audit === undefined) return begin(socket);
      // Nothing of a client is heard before it is known who it is: afterwards it may be gone.
      void audit.identify(socket).then((peer) => {
        connections.set(socket, { door, peer });
        if (socket.destroyed) connections.delete(socket);
        else begin(socket);
      });
    },
    get open() {
      return open;
    },
    close: () => {
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}

/** Has a request written down, at its end or when it lasts. */
function writeDown(audit: AuditDesk, connection: Connection, dispatch: Dispatch, object: () => string): void {
  const { request, response, mode } = dispatch;
  const { socket, method = "", url = "" } = request;
  const end = audit.log.begin({
    socket: connection.door.host,
    peer: connection.peer ?? { unknown: true },
    method,
    path: url.split("?", 1)[0] ?? "",
    object: () => object() || namedIn(url),
  });
  // A connection that is taken over is its answer; its status is noted in the response that was not sent.
  const last = mode === "plain" ? response : socket;
  last.once("close", () => end(response.headersSent || mode !== "plain" ? response.statusCode : 0));
}

/** What a query names: the new container, the image to pull. */
function namedIn(url: string): string {
  const query = new URLSearchParams(url.split("?", 2)[1]);
  return query.get("name") ?? query.get("fromImage") ?? "";
}
