/**
 * Which engine a command talks to: that of a context, -H, CAISSON_HOST, DOCKER_HOST, or this user's own, which is
 * started when it doesn't run.
 * @module
 */
import { Client, parseHost, type TlsFiles } from "../client/mod.ts";
import { failure, isFailure } from "../errors/mod.ts";
import { fs } from "./builtins.ts";
import { configurationFolder, currentContext } from "./contexts/current.ts";
import { commandFailed } from "./failure-text.ts";
import type { Flags } from "./flags.ts";

/** Where this user's own engine listens. */
export const defaultSocket = "/run/caisson/caisson.sock";

/** A client of the engine that flags and environment name. */
export async function connect(globals: Flags, env: NodeJS.ProcessEnv = process.env): Promise<Client> {
  const version = env["DOCKER_API_VERSION"];
  const options = version === undefined || version === "" ? {} : { version };
  const { name: context } = currentContext(globals, env);
  if (context !== "default") {
    const { endpointOf } = await import("./contexts/endpoint.ts");
    return new Client(endpointOf(configurationFolder(globals, env), context), options);
  }
  const host = namedHost(globals, env);
  if (host !== undefined) return new Client(parseHost(host, tlsFiles(globals, env)), options);
  const client = new Client({ kind: "unix", host: `unix://${defaultSocket}`, path: defaultSocket }, options);
  try {
    await client.system.ping();
  } catch (error) {
    if (!isFailure(error, "no-engine")) throw error;
    const { autostart } = await import("./autostart.ts");
    await autostart(client, defaultSocket);
  }
  return client;
}

/** The host that was named, or undefined. An empty variable names none. */
export function namedHost(globals: Flags, env: NodeJS.ProcessEnv): string | undefined {
  if (globals.list("host").length > 1) throw failure("usage", { message: "specify only one -H" });
  const named = globals.string("host") ?? env["CAISSON_HOST"] ?? env["DOCKER_HOST"];
  return named === "" ? undefined : named;
}

/** The certificates that flags and environment ask for; undefined without TLS. */
export function tlsFiles(globals: Flags, env: NodeJS.ProcessEnv): TlsFiles | undefined {
  const verify = globals.bool("tlsverify", (env["DOCKER_TLS_VERIFY"] ?? "") !== "");
  const wanted = globals.has("tlsverify") || verify || globals.bool("tls", (env["DOCKER_TLS"] ?? "") !== "");
  if (!wanted) return undefined;
  const directory =
    env["DOCKER_CERT_PATH"] ?? `${env["DOCKER_CONFIG"] ?? `${env["HOME"] ?? "/root"}/.docker`}`;
  // A client without a certificate of its own leaves those two out; a file that was named must be there.
  const own = (flag: string, file: string): string | undefined =>
    globals.string(flag) ?? (fs().existsSync(`${directory}/${file}`) ? `${directory}/${file}` : undefined);
  const cert = own("tlscert", "cert.pem");
  const key = own("tlskey", "key.pem");
  const ca = globals.string("tlscacert") ?? `${directory}/ca.pem`;
  for (const file of [ca, cert, key]) {
    if (file !== undefined && !fs().existsSync(file)) {
      throw commandFailed(`unable to resolve docker endpoint: open ${file}: no such file or directory`);
    }
  }
  return { verify, ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}
