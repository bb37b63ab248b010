/**
 * TCP sockets that the API is reached at, with TLS or without.
 * @module
 */
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TlsOptions } from "../engine/mod.ts";
import { failure } from "../errors/mod.ts";
import type { Listener } from "./listener.ts";
import type { Log } from "./log.ts";

/** What a listener is made with. */
export interface TcpListening {
  readonly accept: (socket: Socket) => void;
  readonly tls: TlsOptions | undefined;
  readonly log: Log;
}

/**
 * Makes a server that listens nowhere yet. With a client's authority, nobody who has no certificate of it is heard: the
 * handshake fails.
 */
export function tcpServer({ accept, tls, log }: TcpListening): Server {
  if (tls === undefined) return createServer({ allowHalfOpen: true }, accept);
  const { cert, key, clientCa } = tls;
  const options = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    minVersion: "TLSv1.2" as const,
    // The type of tls.createServer doesn't know that of net's servers: clients end their input before they have read.
    allowHalfOpen: true,
    ...(clientCa === undefined
      ? {}
      : { ca: readFileSync(clientCa), requestCert: true, rejectUnauthorized: true }),
  };
  const server = createTlsServer(options, accept);
  server.on("tlsClientError", (error, socket) => {
    log.info(`TLS handshake error from ${addressOf(socket)}: ${error.message}`);
    socket.destroy();
  });
  return server;
}

/** `127.0.0.1:34567` */
export function addressOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, "remoteAddress" | "remotePort">): string {
  const address = remoteAddress ?? "";
  return `${address.includes(":") ? `[${address}]` : address}:${remotePort ?? 0}`;
}

/** Listens at an address. Throws if it isn't this machine's, or somebody else listens there. */
export async function listenTcp(hostname: string, port: number, listening: TcpListening): Promise<Listener> {
  const server = tcpServer(listening);
  const shown = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(failure("internal", { message: `listen at tcp://${shown}: ${error.message}` }, error)),
    );
    server.listen({ host: hostname, port }, resolve);
  });
  const bound = server.address();
  return {
    // Port 0 is any free one.
    address: typeof bound === "object" && bound !== null ? shown.replace(/:0$/, `:${bound.port}`) : shown,
    close: async () => void server.close(),
  };
}
