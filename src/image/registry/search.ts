/**
 * Searches an index of images: version 1 of the registry's API, which Docker Hub has and few others.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { endpointsOf } from "./endpoint.ts";
import { isNoAnswer, refusedFailure } from "./failures.ts";
import { Transport } from "./transport.ts";
import type { Credentials, RegistryConfig } from "./types.ts";

/** One find, in Docker's fields. */
export interface SearchResult {
  readonly star_count: number;
  readonly is_official: boolean;
  readonly name: string;
  readonly is_automated: boolean;
  readonly description: string;
}

const answerLimit = 4 * 1024 * 1024;

/** Docker's own index as it is reached. */
const hub = "index.docker.io";

/**
 * Searches for `term`, which may begin with an index's host. At most `limit` finds. Fails with `registry-unreachable`, and
 * with `not-found` if there is a registry that can't search.
 */
export async function searchIndex(
  term: string,
  limit: number,
  config: RegistryConfig,
  credentials?: Credentials,
  signal?: AbortSignal,
): Promise<SearchResult[]> {
  const { host, words } = splitTerm(term);
  const transport = new Transport(config);
  const headers = basic(credentials);
  let last: unknown;
  // Docker's index isn't where its registry is.
  const bases =
    host === hub
      ? [new URL(`https://${hub}/`)]
      : endpointsOf(host, { ...config, mirrors: [] }, transport.trust).map(({ base }) => base);
  for (const base of bases) {
    const url = new URL("v1/search", base);
    url.searchParams.set("q", words);
    url.searchParams.set("n", String(limit));
    try {
      const answer = await transport.send({ url, headers, follow: true, signal });
      if (answer.status !== 200) {
        await answer.discard();
        const message = `${host} can't be searched: it answered with status ${answer.status} to ${url.pathname}`;
        throw failure("not-found", { message });
      }
      const bytes = await answer.bytes(answerLimit);
      if (bytes === undefined) throw refusedFailure(url, `its answer is longer than ${answerLimit} bytes`);
      return resultsOf(bytes, url, host === hub).slice(0, limit);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isNoAnswer(error)) throw error;
      last = error;
    }
  }
  throw last;
}

/** What looks like a host before the first slash is one. */
function splitTerm(term: string): { host: string; words: string } {
  if (term.includes("://"))
    throw failure("invalid-parameter", {
      message: `invalid repository name: repository name (${term}) should not have a scheme`,
    });
  const slash = term.indexOf("/");
  const first = term.slice(0, Math.max(0, slash));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === "localhost");
  if (!isHost) return { host: hub, words: term };
  const host = first === "docker.io" || first === hub ? hub : first;
  return { host, words: term.slice(slash + 1) };
}

function basic({ username, password }: Credentials = {}): Record<string, string> {
  if (!username || password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

function resultsOf(bytes: Uint8Array, url: URL, official: boolean): SearchResult[] {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw failure("registry-unreachable", { url: url.origin, reason: "its answer is not JSON" }, error);
  }
  const { results } = (document ?? {}) as { readonly results?: unknown };
  return (Array.isArray(results) ? (results as unknown[]) : []).flatMap((one) => {
    if (typeof one !== "object" || one === null) return [];
    const { name, description, star_count, is_official, is_automated } = one as Record<string, unknown>;
    // What strangers wrote goes to a terminal.
    const text = (value: unknown): string =>
      typeof value === "string" ? value.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ") : "";
    return [
      {
        star_count: typeof star_count === "number" ? star_count : 0,
        is_official: is_official === true,
        name: official ? text(name).replace(/^library\//, "") : text(name),
        is_automated: is_automated === true,
        description: text(description),
      },
    ];
  });
}
