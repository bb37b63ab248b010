/**
 * Checks credentials, as `docker login` asks for.
 * @module
 */
import { failure, isFailure } from "../../errors/mod.ts";
import { parseChallenges } from "./challenge.ts";
import { endpointsOf, type Endpoint } from "./endpoint.ts";
import { Authorizer } from "./token.ts";
import { Transport } from "./transport.ts";
import type { Credentials, RegistryConfig } from "./types.ts";

const statusTexts: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/**
 * Asks the registry `host[:port]` (`docker.io` for Docker's own) whether it knows the credentials; a mirror is never
 * asked. Fails with `unauthorized` if not, with `registry-unreachable` if there is no registry.
 */
export async function login(
  registry: string,
  credentials: Credentials,
  config: RegistryConfig,
  signal?: AbortSignal,
): Promise<void> {
  const transport = new Transport(config);
  let problem: unknown;
  for (const endpoint of endpointsOf(registry, { ...config, mirrors: [] }, transport.trust)) {
    try {
      await loginAt(transport, endpoint, credentials, signal);
      return;
    } catch (error) {
      // Who refused us once isn't asked again without TLS.
      if (isFailure(error, "unauthorized")) throw error;
      problem = error;
    }
  }
  throw problem;
}

async function loginAt(
  transport: Transport,
  endpoint: Endpoint,
  credentials: Credentials,
  signal?: AbortSignal,
): Promise<void> {
  const url = new URL("v2/", endpoint.base);
  const first = await transport.send({ url, follow: true, signal });
  await first.discard();
  if (first.status === 200) return;
  let { status } = first;
  if (status === 401 && !first.foreign) {
    const challenges = parseChallenges(first.headers.get("www-authenticate"));
    const authorization = await new Authorizer(transport, endpoint, credentials).header(
      challenges,
      "",
      signal,
    );
    if (authorization !== undefined) {
      const second = await transport.send({ url, headers: { authorization }, follow: true, signal });
      await second.discard();
      status = second.status;
    }
  }
  if (status === 200) return;
  const message =
    `login attempt to ${url.href} failed with status: ${status} ${statusTexts[status] ?? ""}`.trim();
  throw failure(status === 401 || status === 403 ? "unauthorized" : "internal", { message });
}
