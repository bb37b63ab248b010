/**
 * What goes wrong between us and a registry, in Docker's (that is, Go's) words, and which of it is worth another try.
 * @module
 */
import { CaissonError, failure, isFailure, messageOf } from "../../errors/mod.ts";

/** What the cause of a `registry-unreachable` error says for the machine. */
interface TransportCause {
  /** A system error, a TLS error of OpenSSL, `TIMEOUT`, `TRUNCATED` or `HTTP_<status>`. */
  readonly code: string;
  /** How long the server asks us to wait, in milliseconds. */
  readonly retryAfter?: number;
}

/** What Go prints for each error. */
const dialTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ENETUNREACH: "connect: network is unreachable",
  EHOSTUNREACH: "connect: no route to host",
  EHOSTDOWN: "connect: host is down",
  ETIMEDOUT: "i/o timeout",
  EACCES: "connect: permission denied",
  EADDRNOTAVAIL: "connect: cannot assign requested address",
};
const lookupTexts: Readonly<Record<string, string>> = {
  ENOTFOUND: "no such host",
  ENODATA: "no such host",
  EAI_NONAME: "no such host",
  EAI_AGAIN: "Temporary failure in name resolution",
};
const tlsTexts: Readonly<Record<string, string>> = {
  EPROTO: "tls: the handshake failed: does the server speak TLS?",
  CERT_HAS_EXPIRED: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN:
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "tls: failed to verify certificate: x509: certificate is not valid for this host",
};
/** Errors that a second try may not meet. A refused certificate and an unknown host stay what they are. */
const transientCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ETIMEDOUT",
  "EPIPE",
  "EAI_AGAIN",
  "TIMEOUT",
  "TRUNCATED",
  "HTTP_408",
  "HTTP_429",
  "HTTP_500",
  "HTTP_502",
  "HTTP_503",
  "HTTP_504",
]);
const longestRetryAfter = 60_000;

/** A connection that could not be made or broke. */
export function connectionFailure(url: URL, error: unknown): CaissonError {
  if (error instanceof CaissonError) return error;
  const code = codeOf(error);
  return failure("registry-unreachable", { url: shown(url), reason: reasonOf(url, code, error) }, error);
}

function reasonOf(url: URL, code: string, error: unknown): string {
  const port = url.port || (url.protocol === "http:" ? "80" : "443");
  const lookup = lookupTexts[code];
  if (lookup !== undefined) return `dial tcp: lookup ${url.hostname}: ${lookup}`;
  const dial = dialTexts[code];
  if (dial !== undefined) return `dial tcp ${url.hostname}:${port}: ${dial}`;
  return tlsTexts[code] ?? (code === "ECONNRESET" ? "connection reset by peer" : messageOf(error));
}

/** A server that took too long. */
export function timeoutFailure(url: URL): CaissonError {
  const reason = "net/http: request canceled (Client.Timeout exceeded while awaiting the server)";
  return unreachable(url, reason, { code: "TIMEOUT" });
}

/** A body that ended before its size was reached. */
export function truncatedFailure(url: URL): CaissonError {
  return unreachable(url, "unexpected EOF", { code: "TRUNCATED" });
}

/** An answer whose status says that the server has a problem. */
export function statusFailure(url: URL, status: number, retryAfter: string | null): CaissonError {
  const cause = { code: `HTTP_${status}`, retryAfter: parseRetryAfter(retryAfter, Date.now()) };
  return unreachable(url, `received unexpected HTTP status: ${status}`, cause);
}

/** A rule of ours that the server's answer breaks (redirect, realm, size); never worth another try. */
export function refusedFailure(url: URL, reason: string): CaissonError {
  return unreachable(url, reason, { code: "REFUSED" });
}

function unreachable(url: URL, reason: string, cause: TransportCause): CaissonError {
  return failure("registry-unreachable", { url: shown(url), reason }, cause);
}

/** Whether doing the same again may succeed. */
export function isTransient(error: unknown): boolean {
  return transientCodes.has(codeOf(transportCause(error)));
}

/** Whether no HTTP answer was had at all, so that another endpoint or plain http may be tried. */
export function isNoAnswer(error: unknown): boolean {
  return isFailure(error, "registry-unreachable") && !/^(?:HTTP_\d+|REFUSED)$/.test(codeOf(error.cause));
}

/** How long the server asked us to wait, in milliseconds; at most a minute. */
export function retryAfterOf(error: unknown): number | undefined {
  const cause = transportCause(error);
  const wait =
    typeof cause === "object" && cause !== null && "retryAfter" in cause ? cause.retryAfter : undefined;
  return typeof wait === "number" ? wait : undefined;
}

/** What lies below our own errors: a refusal in the registry's words has the status as its cause's cause. */
function transportCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof CaissonError) ({ cause } = cause);
  return error instanceof CaissonError ? cause : undefined;
}

/** `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. Milliseconds from `now`, at most a minute. */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), longestRetryAfter);
}

function codeOf(cause: unknown): string {
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return "";
  return typeof cause.code === "string" ? cause.code : "";
}

/** The URL without query and credentials: signed URLs are secrets. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
