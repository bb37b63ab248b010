/**
 * HTTP to registries. Redirects are followed by hand so that credentials stay with the origin that they were meant
 * for, and so that no server can lead us to another scheme, down from TLS, or into this machine.
 * @module
 */
import { Answer, defaultLimits, type Limits } from "./answer.ts";
import { HostTrust } from "./endpoint.ts";
import { connectionFailure, refusedFailure, timeoutFailure } from "./failures.ts";
import { redirectTarget } from "./redirect.ts";
import type { RegistryConfig } from "./types.ts";

/** One request. */
export interface Request {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>;
  /** Milliseconds until the answer's head must be there; the limits' own if undefined. An upload takes its time. */
  readonly patience?: number;
  /** Whether redirects are followed; otherwise they are the answer. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 10;
/** What only the origin that was asked may see. */
const secretHeaders: readonly string[] = ["authorization", "cookie"];

/**
 * What `fetch` must be told of proxies: as Go, which never takes one of the environment to reach this machine. Bun's types
 * lack `false`.
 */
export function proxyRule(trust: HostTrust, url: URL): object {
  return trust.loopback(url) ? { proxy: false } : {};
}

/** Sends requests under the rules of one configuration. Holds no connection state of its own. */
export class Transport {
  readonly trust: HostTrust;
  readonly #config: RegistryConfig;
  readonly #limits: Limits;

  constructor(config: RegistryConfig = {}, limits: Limits = defaultLimits) {
    this.trust = new HostTrust(config.insecureRegistries);
    this.#config = config;
    this.#limits = limits;
  }

  /**
   * Sends `request` and resolves with the answer's head, whatever its status. Fails with `registry-unreachable`, or
   * with the signal's reason.
   */
  async send(request: Request): Promise<Answer> {
    let { url } = request;
    let foreign = false;
    const headers = new Headers(request.headers);
    headers.set("accept-encoding", "identity");
    headers.set("user-agent", this.#config.userAgent ?? "caisson");
    this.#check(url);
    for (let hop = 0; ; hop += 1) {
      const answer = await this.#once({ ...request, url }, headers, foreign);
      if (!request.follow || !redirects.has(answer.status)) return answer;
      const location = answer.headers.get("location");
      if (location === null) return answer;
      await answer.discard();
      if (hop === mostRedirects)
        throw refusedFailure(request.url, `stopped after ${mostRedirects} redirects`);
      const next = redirectTarget(this.trust, url, location);
      this.#check(next);
      if (next.origin !== request.url.origin) {
        foreign = true;
        for (const name of secretHeaders) headers.delete(name);
      }
      url = next;
    }
  }

  #check(url: URL): void {
    if (url.protocol === "http:" && !this.trust.insecure(url))
      throw refusedFailure(url, `${url.host} is not an insecure registry: refusing plain http`);
  }

  async #once(request: Request, headers: Headers, foreign: boolean): Promise<Answer> {
    const { url, signal, method = "GET" } = request;
    signal?.throwIfAborted();
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const release = (): void => signal?.removeEventListener("abort", onAbort);
    const patience = request.patience ?? this.#limits.headers;
    const timer = setTimeout(() => controller.abort(timeoutFailure(url)), patience);
    try {
      const response = await fetch(url, {
        method,
        headers,
        body: request.body,
        redirect: "manual",
        decompress: false,
        signal: controller.signal,
        ...proxyRule(this.trust, url),
        ...(url.protocol === "https:" ? { tls: this.#tls(url) } : {}),
      });
      return new Answer({ response, url, foreign, controller, release, limits: this.#limits });
    } catch (error) {
      release();
      controller.signal.throwIfAborted();
      throw connectionFailure(url, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #tls(url: URL): { ca?: string; cert?: string; key?: string; rejectUnauthorized: boolean } {
    return { ...this.#config.tls?.(url.host), rejectUnauthorized: !this.trust.insecure(url) };
  }
}
