/**
 * Credentials for a registry, as `docker login` left them in ~/.docker/config.json.
 * @module
 */
import { readFileSync } from "node:fs";

const dockerHub = "https://index.docker.io/v1/";

/**
 * The X-Registry-Auth header for `registry`, or undefined when no credentials are kept in the file itself. Credential
 * helpers are not asked.
 */
export function registryAuth(registry: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const directory = env["DOCKER_CONFIG"] ?? `${env["HOME"] ?? "/root"}/.docker`;
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(`${directory}/config.json`, "utf8"));
  } catch {
    // No file, or none that can be read: docker pulls anonymously too.
    return undefined;
  }
  const server = registry === "docker.io" ? dockerHub : registry;
  const entry = credentials(config)?.[server];
  const encoded = typeof entry === "object" && entry !== null && "auth" in entry ? entry.auth : undefined;
  if (typeof encoded !== "string" || encoded === "") return undefined;
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 0) return undefined;
  const auth = {
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1),
    serveraddress: server,
  };
  return Buffer.from(JSON.stringify(auth)).toString("base64url");
}

function credentials(config: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof config !== "object" || config === null || !("auths" in config)) return undefined;
  const { auths } = config;
  return typeof auths === "object" && auths !== null ? (auths as Record<string, unknown>) : undefined;
}
