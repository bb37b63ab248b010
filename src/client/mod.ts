/**
 * A typed client of the Docker Engine API, over unix sockets and TCP with or without TLS.
 * @module
 */
import type { Endpoint } from "./endpoint.ts";
import { Containers } from "./containers.ts";
import { events, type EngineEvent, type EventsOptions } from "./events.ts";
import { Execs } from "./exec.ts";
import { Images } from "./images.ts";
import { Networks } from "./networks.ts";
import { System } from "./system.ts";
import { textOf, Transport, type Query } from "./transport.ts";
import { Volumes } from "./volumes.ts";
import type { Wire } from "./wire.ts";

export { parseHost, type Endpoint, type TlsFiles } from "./endpoint.ts";
export { ServerError } from "./errors.ts";
export { demultiplex, type FrameSink } from "./frames.ts";
export { jsonValues, type ProgressMessage } from "./json-stream.ts";
export { maxVersion, type Filters, type Hijacked, type Query, type Reply } from "./transport.ts";
export { pathStatOf, type AttachOptions, type LogsOptions } from "./containers.ts";
export type { EngineEvent, EventsOptions } from "./events.ts";
export type { ImportOptions, SearchResult } from "./images.ts";
export type { DiskUsage } from "./system.ts";
export type { Wire } from "./wire.ts";

/** The engine's API, group by group. */
export class Client {
  readonly endpoint: Endpoint;
  readonly containers: Containers;
  readonly execs: Execs;
  readonly images: Images;
  readonly networks: Networks;
  readonly system: System;
  readonly volumes: Volumes;
  readonly #transport: Transport;

  /** @param options.version the API version to hold on to instead of agreeing on one */
  constructor(endpoint: Endpoint, options: { readonly version?: string } = {}) {
    const transport = new Transport(endpoint, options.version);
    this.endpoint = endpoint;
    this.#transport = transport;
    this.containers = new Containers(transport);
    this.execs = new Execs(transport);
    this.images = new Images(transport);
    this.networks = new Networks(transport);
    this.system = new System(transport);
    this.volumes = new Volumes(transport);
  }

  /** The API version in use. */
  get version(): string {
    return this.#transport.version;
  }

  /** Events as they happen. */
  events(options?: EventsOptions): AsyncGenerator<EngineEvent> {
    return events(this.#transport, options);
  }

  /** A raw connection to the engine. */
  connect(): Promise<Wire> {
    return this.#transport.connect();
  }

  /** The answer of a GET request as the engine wrote it, for showing it unchanged. @throws ServerError */
  async text(path: string, query?: Query): Promise<string> {
    const reply = await this.#transport.send("GET", path, query === undefined ? {} : { query });
    return textOf(reply.body);
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }
}
