/**
 * Which redirects are followed: those that a registry has an honest reason for.
 * @module
 */
import type { HostTrust } from "./endpoint.ts";
import { refusedFailure } from "./failures.ts";

/**
 * Where `location` leads from `from`. Fails with `registry-unreachable` if that is another scheme than http, a step down
 * from TLS, this machine seen from another, or a URL with credentials in it.
 */
export function redirectTarget(trust: HostTrust, from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (next === undefined) throw refusedFailure(from, "redirected to a location that is not a URL");
  const what = `refusing a redirect to ${next.protocol}//${next.host}`;
  if (next.protocol !== "https:" && next.protocol !== "http:") throw refusedFailure(from, what);
  if (from.protocol === "https:" && next.protocol === "http:")
    throw refusedFailure(from, `${what}: not encrypted`);
  if (trust.local(next) && !trust.local(from)) throw refusedFailure(from, `${what}: it is this machine`);
  if (next.username !== "" || next.password !== "") throw refusedFailure(from, `${what}: it has credentials`);
  return next;
}
