/**
 * The X-Registry-Auth header, from what `docker login` left.
 * @module
 */
import { CredentialStore, dockerHub, type Credentials } from "./credentials.ts";

/** The header's value. */
function encodeAuth(server: string, { username, password, identitytoken }: Credentials): string {
  const secret = identitytoken === undefined ? { username, password } : { username, identitytoken };
  return Buffer.from(JSON.stringify({ ...secret, serveraddress: server })).toString("base64url");
}

/**
 * The header for `registry`; undefined when nobody has logged in there. A file that can't be read or a helper that isn't
 * there counts as that: most images can be had by anybody, and the registry says so of the others.
 */
export function registryAuth(registry: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const server = registry === "docker.io" ? dockerHub : registry;
  try {
    const credentials = new CredentialStore(env).get(server);
    return credentials === undefined ? undefined : encodeAuth(server, credentials);
  } catch {
    return undefined;
  }
}
