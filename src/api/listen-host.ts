/**
 * Where the API can be listened at, as `-H` and daemon.json name it.
 * @module
 */
import type { DaemonOptions } from "../engine/mod.ts";
import { failure } from "../errors/mod.ts";
import { socketPath } from "./listener.ts";

/** A place to listen at. */
export type ListenHost =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  /** Sockets that systemd has opened: all of them, or the one with this descriptor or name. */
  | { readonly kind: "fd"; readonly which: string };

const plainPort = 2375;
const tlsPort = 2376;

/**
 * Reads a host: `unix:///path`, `tcp://[address][:port]`, `fd://[which]`, a path, or `address:port`. The address is
 * 127.0.0.1 where none is said, the port 2375, or 2376 with TLS.
 * @throws invalid-parameter for what can't be listened at
 */
export function parseListenHost(host: string, tls: boolean): ListenHost {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/s.exec(host.trim());
  const [scheme, rest] =
    match === null ? [host.startsWith("/") ? "unix" : "tcp", host] : [match[1] ?? "", match[2] ?? ""];
  switch (scheme) {
    case "unix":
      return { kind: "unix", path: socketPath(rest === "" ? "/var/run/docker.sock" : rest) };
    case "fd":
      return { kind: "fd", which: rest === "*" ? "" : rest };
    case "tcp":
      return tcp(host, rest, tls);
    default:
      throw wrong(host, `unsupported proto '${scheme}'`);
  }
}

function tcp(host: string, rest: string, tls: boolean): ListenHost {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]/]*))(?::(\d{1,5}))?\/?$/.exec(rest);
  const port = match?.[3] === undefined ? (tls ? tlsPort : plainPort) : Number(match[3]);
  if (match === null || port > 65_535) throw wrong(host, `${rest} is no address and port`);
  return { kind: "tcp", hostname: match[1] || match[2] || "127.0.0.1", port };
}

function wrong(host: string, what: string): Error {
  return failure("invalid-parameter", { message: `invalid bind address (${host}): ${what}` });
}

/**
 * Checks every place that the options name, before anything is opened.
 * @throws invalid-parameter for what is no host, or for TCP that everybody in reach could use
 */
export function checkHosts({ hosts, sockets, tls, insecureTcp }: DaemonOptions): void {
  for (const host of [...hosts, ...sockets.map((socket) => socket.host)]) {
    const parsed = parseListenHost(host, tls !== undefined);
    if (parsed.kind === "tcp" && tls === undefined && !insecureTcp) throw openToAll(host);
  }
}

/** What is said of a TCP socket without TLS. */
export function openToAll(host: string): Error {
  const message = `${host}: without --tlsverify everybody who reaches this address is root on this machine. Use --tlsverify with --tlscacert, --tlscert and --tlskey, or an ssh:// host on the client's side; --insecure-tcp listens all the same`;
  return failure("invalid-parameter", { message });
}
