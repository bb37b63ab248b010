/**
 * Where the engine listens: Docker's `unix://`, `tcp://` and `ssh://` host strings, and TLS as DOCKER_TLS_VERIFY and
 * DOCKER_CERT_PATH ask for it.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { sshCommand } from "./ssh-command.ts";

/** Certificates for a TLS connection, as PEM files. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Whether the engine's certificate is checked. */
  readonly verify: boolean;
}

/** A socket to dial, or a program that joins its standard streams to one. */
export type Endpoint =
  | { readonly kind: "command"; readonly host: string; readonly command: readonly [string, ...string[]] }
  | { readonly kind: "unix"; readonly host: string; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly hostname: string;
      readonly port: number;
      readonly tls?: TlsFiles;
    };

const plainPort = 2375;
const tlsPort = 2376;

/**
 * Reads a host string: `unix:///path`, `tcp://name[:port]`, `ssh://user@name`, or a bare `name[:port]` as docker takes it. Ports default to
 * 2375, or 2376 with TLS.
 * @throws usage for npipe://, fd:// and anything that is no address
 */
export function parseHost(host: string, tls?: TlsFiles): Endpoint {
  const [scheme, rest] = split(host.trim());
  if (scheme === "unix") {
    return { kind: "unix", host: `unix://${rest}`, path: rest === "" ? "/var/run/docker.sock" : rest };
  }
  if (scheme === "tcp" || scheme === "http" || scheme === "https") return tcp(host, rest, tls);
  if (scheme === "ssh") return { kind: "command", host, command: sshCommand(host) };
  throw failure("usage", { message: `invalid bind address (${host}): unsupported proto ${scheme}` });
}

function split(host: string): readonly [string, string] {
  const at = host.indexOf("://");
  if (at < 0) return host.startsWith("/") ? ["unix", host] : ["tcp", host];
  return [host.slice(0, at), host.slice(at + 3)];
}

function tcp(host: string, rest: string, tls: TlsFiles | undefined): Endpoint {
  const authority = rest.split("/", 1)[0] ?? "";
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(authority);
  const port = match?.[2] === undefined ? (tls === undefined ? plainPort : tlsPort) : Number(match[2]);
  if (match === null || port > 65_535) {
    throw failure("usage", { message: `invalid bind address (${host}): ${rest}` });
  }
  const name = (match[1] ?? "").replace(/^\[|\]$/g, "");
  const hostname = name === "" ? "127.0.0.1" : name;
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    kind: "tcp",
    host: `tcp://${shown}:${port}`,
    hostname,
    port,
    ...(tls === undefined ? {} : { tls }),
  };
}
