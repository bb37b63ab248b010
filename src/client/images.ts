/**
 * Images: Engine API `/images/…`.
 * @module
 */
import type {
  HistoryResponseItem,
  ImageDeleteResponseItem,
  ImageInspect,
  ImagePruneResponse,
  ImageSummary,
} from "@docker/node-sdk";
import { jsonValues, type ProgressMessage } from "./json-stream.ts";
import { filterQuery, type Filters, type Reply, type Transport } from "./transport.ts";

/** One find of a search. */
export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
}

/** Where an imported image comes from and what it becomes. */
export interface ImportOptions {
  /** `-` for a body, or a URL that the engine fetches. */
  readonly source: string;
  readonly repo?: string;
  readonly tag?: string;
  readonly message?: string;
  /** Dockerfile instructions. */
  readonly changes?: readonly string[];
  readonly platform?: string;
}

/** A name inside a path: slashes stay, everything else is escaped. */
const at = (name: string): string => `/images/${name.split("/").map(encodeURIComponent).join("/")}`;

/** Requests on images; names are references, IDs or digests. All throw ServerError on refusal. */
export class Images {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(options: { all?: boolean; digests?: boolean; filters?: Filters } = {}): Promise<ImageSummary[]> {
    const { filters, ...rest } = options;
    return this.#transport.json("GET", "/images/json", { query: { ...rest, filters: filterQuery(filters) } });
  }

  inspect(name: string, options: { platform?: string } = {}): Promise<ImageInspect> {
    return this.#transport.json("GET", `${at(name)}/json`, {
      query: { platform: platformJson(options.platform) },
    });
  }

  history(name: string, options: { platform?: string } = {}): Promise<HistoryResponseItem[]> {
    return this.#transport.json("GET", `${at(name)}/history`, {
      query: { platform: platformJson(options.platform) },
    });
  }

  /** Pulls an image and reports progress. `auth` is the value of X-Registry-Auth. */
  async *pull(
    repository: string,
    options: { tag?: string; platform?: string; auth?: string } = {},
  ): AsyncGenerator<ProgressMessage> {
    const reply = await this.#transport.send("POST", "/images/create", {
      query: { fromImage: repository, tag: options.tag, platform: options.platform },
      headers: { "X-Registry-Auth": options.auth ?? "e30=" },
    });
    yield* jsonValues<ProgressMessage>(reply.body);
  }

  /** Pushes a tag, or all of them, and reports progress. `auth` as in {@link pull}. */
  async *push(
    repository: string,
    options: { tag?: string; platform?: string; auth?: string } = {},
  ): AsyncGenerator<ProgressMessage> {
    const reply = await this.#transport.send("POST", `${at(repository)}/push`, {
      query: { tag: options.tag, platform: platformJson(options.platform) },
      headers: { "X-Registry-Auth": options.auth ?? "e30=" },
    });
    yield* jsonValues<ProgressMessage>(reply.body);
  }

  /** Searches a registry's index. */
  search(
    term: string,
    options: { limit?: number; filters?: Filters; auth?: string } = {},
  ): Promise<SearchResult[]> {
    return this.#transport.json("GET", "/images/search", {
      query: { term, limit: options.limit, filters: filterQuery(options.filters) },
      headers: options.auth === undefined ? {} : { "X-Registry-Auth": options.auth },
    });
  }

  /** Makes an image of a tar of a root file system. */
  async *import(
    options: ImportOptions,
    archive?: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<ProgressMessage> {
    const { source, ...query } = options;
    const reply = await this.#transport.send("POST", "/images/create", {
      query: { fromSrc: source, ...query },
      ...(archive === undefined ? {} : { body: archive, headers: { "Content-Type": "text/plain" } }),
    });
    yield* jsonValues<ProgressMessage>(reply.body);
  }

  /** Loads images from an archive. The answer is a stream of JSON, or plain text for `quiet` on old engines. */
  load(
    archive: AsyncIterable<Uint8Array>,
    options: { quiet?: boolean; platform?: string } = {},
  ): Promise<Reply> {
    return this.#transport.send("POST", "/images/load", {
      query: { quiet: options.quiet === true ? "1" : "0", platform: platformJson(options.platform) },
      body: archive,
      headers: { "Content-Type": "application/x-tar" },
    });
  }

  /** An archive of `names`. */
  save(names: readonly string[], options: { platform?: string } = {}): Promise<Reply> {
    return this.#transport.send("GET", "/images/get", {
      query: { names, platform: platformJson(options.platform) },
    });
  }

  async tag(name: string, repository: string, tag: string): Promise<void> {
    await this.#transport.call("POST", `${at(name)}/tag`, { query: { repo: repository, tag } });
  }

  remove(
    name: string,
    options: { force?: boolean; noprune?: boolean; platforms?: readonly string[] } = {},
  ): Promise<ImageDeleteResponseItem[]> {
    const { platforms, ...rest } = options;
    return this.#transport.json("DELETE", at(name), {
      query: { ...rest, platforms: platforms?.map((p) => platformJson(p) ?? "") },
    });
  }

  prune(filters?: Filters): Promise<ImagePruneResponse> {
    return this.#transport.json("POST", "/images/prune", { query: { filters: filterQuery(filters) } });
  }
}

/** `linux/arm64/v8` as the JSON object that newer endpoints take. */
function platformJson(platform: string | undefined): string | undefined {
  if (platform === undefined) return undefined;
  const [os, architecture, variant] = platform.split("/");
  return JSON.stringify({ architecture, os, variant });
}
