/**
 * Opens every socket that the options name, each with what stands behind it.
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import type { DaemonOptions, SocketOptions } from "../engine/mod.ts";
import { failure } from "../errors/mod.ts";
import { chooseSockets, takeActivatedSockets, type ActivatedSocket } from "./activated-sockets.ts";
import { openToAll, parseListenHost } from "./listen-host.ts";
import { listen, type Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import { listenTcp, tcpServer } from "./tcp-listener.ts";

/** Serves the connections of one socket. */
export type Accept = (socket: Socket) => void;

/**
 * Listens everywhere; `behind` says who serves a socket's connections. What was opened is closed with `closers`, also
 * when a later one can't be opened.
 */
export async function openDoors(
  options: DaemonOptions,
  behind: (socket: SocketOptions) => Accept,
  log: Log,
  closers: AsyncDisposableStack,
): Promise<void> {
  const { tls, insecureTcp, group } = options;
  const all: readonly SocketOptions[] = [...options.hosts.map((host) => ({ host })), ...options.sockets];
  let activated: readonly ActivatedSocket[] | undefined;
  const opened = (listener: Listener): void => {
    closers.defer(() => listener.close());
    log.info(`API listen on ${listener.address}`);
  };
  for (const socket of all) {
    const host = parseListenHost(socket.host, tls !== undefined);
    const accept = behind(socket);
    if (host.kind === "unix") {
      opened(await listen(host.path, accept, socket.group ?? group));
      continue;
    }
    if (host.kind === "tcp") {
      warnOfOpenDoor(options, socket.host, log);
      opened(await listenTcp(host.hostname, host.port, { accept, tls, log }));
      continue;
    }
    activated ??= takeActivatedSockets();
    for (const { descriptor, unix } of chooseSockets(activated, host.which)) {
      if (!unix && tls === undefined && !insecureTcp) throw openToAll(`fd://${descriptor}`);
      if (!unix) warnOfOpenDoor(options, `fd://${descriptor}`, log);
      const server = unix ? createServer({ allowHalfOpen: true }, accept) : tcpServer({ accept, tls, log });
      opened(await listenOn(server, descriptor));
    }
  }
}

function warnOfOpenDoor({ tls }: DaemonOptions, host: string, log: Log): void {
  if (tls?.clientCa !== undefined) return;
  log.warn(
    "Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to your network.",
    { host },
  );
}

/** Listens at a socket that is bound already; what was made for it is systemd's, and stays. */
async function listenOn(server: Server, descriptor: number): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const message = `failed to listen on systemd activated file: fd ${descriptor}: ${error.message}`;
      reject(failure("internal", { message }, error));
    });
    server.listen({ fd: descriptor }, resolve);
  });
  return { address: `fd://${descriptor}`, close: async () => void server.close() };
}
