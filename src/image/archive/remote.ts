/**
 * Archives that lie on a web server: `docker import URL`.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { HostTrust } from "../registry/endpoint.ts";
import { connectionFailure } from "../registry/failures.ts";
import { proxyRule } from "../registry/transport.ts";

/** An archive that is being fetched. */
export interface RemoteArchive {
  readonly url: string;
  /** Bytes, where the server says so. */
  readonly size?: number;
  readonly stream: AsyncIterable<Uint8Array>;
}

/** As much of a server's own words is told. */
const mostWords = 1024;

/**
 * Fetches `source`, a URL of http or https, or one without its scheme, which is http. Resolves when the server begins to answer.
 * Throws `invalid-parameter` for what is no such URL, `not-found`, `registry-refused` for other answers, and
 * `registry-unreachable`.
 */
export async function openRemoteArchive(source: string, signal: AbortSignal): Promise<RemoteArchive> {
  const address = source.includes("://") ? source : source === "" ? "http:" : `http://${source}`;
  const refuse = (why: string): never => {
    throw failure("invalid-parameter", { message: `Get ${JSON.stringify(address)}: ${why}` });
  };
  if (!URL.canParse(address)) return refuse("http: no Host in request URL");
  const url = new URL(address);
  if (!/^https?:$/.test(url.protocol))
    return refuse(`unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`);
  let response: Response;
  try {
    response = await fetch(url, {
      signal,
      decompress: false,
      headers: { "accept-encoding": "identity" },
      ...proxyRule(new HostTrust(), url),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw connectionFailure(url, error);
  }
  const { status, statusText, body, headers } = response;
  if (!response.ok || body === null) {
    const words = (await response.text()).slice(0, mostWords);
    const message = `failed to GET ${address} with status ${status} ${statusText}: ${words}`;
    throw failure(status === 404 ? "not-found" : "registry-refused", { message });
  }
  const length = headers.get("content-length");
  return { url: address, stream: body, ...(length === null ? {} : { size: Number(length) }) };
}
