/**
 * Containers: Engine API `/containers/…`.
 * @module
 */
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerWaitResponse,
  ContainerPruneResponse,
} from "@docker/node-sdk";
import { failure } from "../errors/mod.ts";
import { ServerError } from "./errors.ts";
import { jsonValues } from "./json-stream.ts";
import { filterQuery, textOf, type Filters, type Hijacked, type Reply, type Transport } from "./transport.ts";

/** Which streams to attach to, and how. */
export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** What was written before attaching comes first. */
  readonly logs?: boolean;
  readonly detachKeys?: string;
}

/** Which part of a log to read. Times are RFC 3339 or seconds since the epoch with a fraction. */
export interface LogsOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  readonly tail?: string;
}

const at = (id: string): string => `/containers/${encodeURIComponent(id)}`;

/** What an image that is made of a container shall say. */
export interface CommitOptions {
  readonly repo?: string;
  readonly tag?: string;
  readonly comment?: string;
  readonly author?: string;
  readonly changes: readonly string[];
  readonly pause: boolean;
}

/** What is at a path inside a container. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's FileMode: its uppermost bit is a directory's, 2^27 a symbolic link's. */
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

/** What an answer with an archive says of what is in it. @throws internal if the engine didn't say */
export function pathStatOf({ headers }: Pick<Reply, "headers">): PathStat {
  const header = headers.get("x-docker-container-path-stat");
  if (header === undefined)
    throw failure("internal", { message: "unable to decode container path stat header: it is missing" });
  return JSON.parse(Buffer.from(header, "base64").toString("utf8")) as PathStat;
}

/** Requests on containers; `id` is an ID, its unique beginning, or a name. All throw ServerError on refusal. */
export class Containers {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists containers: running ones, or `all`; `limit` the newest. */
  list(
    options: { all?: boolean; limit?: number; size?: boolean; filters?: Filters } = {},
  ): Promise<ContainerSummary[]> {
    const { filters, ...rest } = options;
    return this.#transport.json("GET", "/containers/json", {
      query: { ...rest, filters: filterQuery(filters) },
    });
  }

  /** Makes a container. `platform` is `os[/arch[/variant]]`. */
  create(
    body: ContainerCreateRequest,
    options: { name?: string; platform?: string } = {},
  ): Promise<ContainerCreateResponse> {
    return this.#transport.json("POST", "/containers/create", { query: { ...options }, json: body });
  }

  /** The container as the engine describes it. */
  inspect(id: string, options: { size?: boolean } = {}): Promise<ContainerInspectResponse> {
    return this.#transport.json("GET", `${at(id)}/json`, { query: { ...options } });
  }

  async start(id: string, options: { detachKeys?: string; checkpoint?: string } = {}): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/start`, { query: { ...options } });
  }

  /** Stops a container; `timeout` in seconds, -1 for none. */
  async stop(id: string, options: { signal?: string; timeout?: number } = {}): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/stop`, {
      query: { signal: options.signal, t: options.timeout },
    });
  }

  async restart(id: string, options: { signal?: string; timeout?: number } = {}): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/restart`, {
      query: { signal: options.signal, t: options.timeout },
    });
  }

  async kill(id: string, signal?: string): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/kill`, { query: { signal } });
  }

  async pause(id: string): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/pause`);
  }

  async unpause(id: string): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/unpause`);
  }

  /**
   * Changes limits and restart policy. Caisson's engine alone knows `PortBindings`, which replace all, `Labels`, of which null
   * removes one, and `Healthcheck`.
   */
  async update(id: string, changes: object): Promise<{ readonly Warnings?: readonly string[] | null }> {
    return this.#transport.json("POST", `${at(id)}/update`, { json: changes });
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/rename`, { query: { name } });
  }

  async remove(
    id: string,
    options: { force?: boolean; volumes?: boolean; link?: boolean } = {},
  ): Promise<void> {
    await this.#transport.call("DELETE", at(id), {
      query: { force: options.force, v: options.volumes, link: options.link },
    });
  }

  /**
   * Starts to wait: the engine has taken note once this resolves, `status` resolves when the container exits (or is
   * removed).
   */
  async wait(
    id: string,
    condition: "not-running" | "next-exit" | "removed" = "not-running",
  ): Promise<{ readonly status: Promise<ContainerWaitResponse> }> {
    const reply = await this.#transport.send("POST", `${at(id)}/wait`, { query: { condition } });
    return { status: textOf(reply.body).then((text) => JSON.parse(text) as ContainerWaitResponse) };
  }

  /** The container's processes, as `ps` with `arguments` prints them. */
  top(id: string, psArguments?: string): Promise<ContainerTopResponse> {
    return this.#transport.json("GET", `${at(id)}/top`, { query: { ps_args: psArguments } });
  }

  /** The log: multiplexed, or raw for a container with a terminal. */
  logs(id: string, options: LogsOptions = {}): Promise<Reply> {
    return this.#transport.send("GET", `${at(id)}/logs`, {
      query: { stdout: true, stderr: true, ...options },
    });
  }

  /** What the container uses, once a second; with `stream` false once, after two looks. Ends when it is removed. */
  async *stats(
    id: string,
    options: { stream: boolean; signal?: AbortSignal },
  ): AsyncGenerator<ContainerStatsResponse> {
    const { stream, signal } = options;
    const reply = await this.#transport.send("GET", `${at(id)}/stats`, {
      query: { stream: stream ? "1" : "0" },
      ...(signal === undefined ? {} : { signal }),
    });
    yield* jsonValues<ContainerStatsResponse>(reply.body);
  }

  /** Attaches to the container's streams. */
  attach(id: string, options: AttachOptions): Promise<Hijacked> {
    return this.#transport.hijack("POST", `${at(id)}/attach`, { query: { stream: true, ...options } });
  }

  /** Sets the size of the container's terminal in characters. */
  async resize(id: string, size: { readonly height: number; readonly width: number }): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/resize`, { query: { h: size.height, w: size.width } });
  }

  /** Removes stopped containers. */
  prune(filters?: Filters): Promise<ContainerPruneResponse> {
    return this.#transport.json("POST", "/containers/prune", { query: { filters: filterQuery(filters) } });
  }

  /** What is at `path` inside the container; undefined if there is nothing. */
  async statPath(id: string, path: string): Promise<PathStat | undefined> {
    try {
      const reply = await this.#transport.send("HEAD", `${at(id)}/archive`, { query: { path } });
      for await (const piece of reply.body) void piece;
      return pathStatOf(reply);
    } catch (error) {
      // There is no body that would say why: whoever copies next is told.
      if (error instanceof ServerError) return undefined;
      throw error;
    }
  }

  /** A tar archive of `path` inside the container. */
  getArchive(id: string, path: string): Promise<Reply> {
    return this.#transport.send("GET", `${at(id)}/archive`, { query: { path } });
  }

  /** What was changed in the container's root: 0 modified, 1 added, 2 deleted; null: nothing. */
  changes(id: string): Promise<readonly { readonly Path: string; readonly Kind: number }[] | null> {
    return this.#transport.json("GET", `${at(id)}/changes`);
  }

  /** A tar archive of the container's root. */
  export(id: string): Promise<Reply> {
    return this.#transport.send("GET", `${at(id)}/export`);
  }

  /** Makes an image of the container; its ID. */
  async commit(id: string, options: CommitOptions): Promise<string> {
    const { repo, tag, comment, author, changes, pause } = options;
    const query = { container: id, repo, tag, comment, author, changes, ...(pause ? {} : { pause: "0" }) };
    return (await this.#transport.json<{ Id: string }>("POST", "/commit", { query })).Id;
  }

  /** Unpacks a tar archive at `path` inside the container. */
  async putArchive(
    id: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options: { copyUIDGID?: boolean; noOverwriteDirNonDir?: boolean } = {},
  ): Promise<void> {
    await this.#transport.call("PUT", `${at(id)}/archive`, {
      query: { path, ...options },
      body: archive,
      headers: { "Content-Type": "application/x-tar" },
    });
  }
}
