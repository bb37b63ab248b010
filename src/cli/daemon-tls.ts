/**
 * `--tls`, `--tlsverify` and their files, with dockerd's defaults.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { TlsOptions } from "../engine/daemon-options.ts";
import { messageOf } from "../errors/mod.ts";
import { commandFailed } from "./failure-text.ts";
import type { Flags } from "./flags.ts";

/**
 * TLS as the flags say; undefined without. `--tlsverify`, even if false, turns it on.
 * @throws command-failed when a file can't be read
 */
export function tlsOptions(flags: Flags, env: NodeJS.ProcessEnv = process.env): TlsOptions | undefined {
  if (!flags.bool("tls") && !flags.has("tlsverify")) return undefined;
  const directory = env["DOCKER_CERT_PATH"] || `${env["HOME"] || "/root"}/.docker`;
  const named = (flag: string, usual: string): string => {
    const path = flags.string(flag);
    if (path !== undefined) return path === "" ? "" : resolve(path);
    return existsSync(`${directory}/${usual}`) ? `${directory}/${usual}` : "";
  };
  const cert = named("tlscert", "cert.pem");
  const key = named("tlskey", "key.pem");
  const pair = `could not load X509 key pair (cert: ${JSON.stringify(cert)}, key: ${JSON.stringify(key)})`;
  for (const file of [cert, key]) readable(file, pair);
  if (!flags.bool("tlsverify")) return { cert, key };
  const clientCa = named("tlscacert", "ca.pem");
  readable(clientCa, `could not read CA certificate ${JSON.stringify(clientCa)}`);
  return { cert, key, clientCa };
}

function readable(file: string, doing: string): void {
  try {
    readFileSync(file);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? `open ${file}: no such file or directory` : messageOf(error);
    throw commandFailed(`invalid TLS configuration: ${doing}: ${reason}`, error);
  }
}
