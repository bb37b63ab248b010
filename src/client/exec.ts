/**
 * Processes started in running containers: Engine API `/exec/…`.
 * @module
 */
import type { ExecConfig, ExecInspectResponse, IDResponse } from "@docker/node-sdk";
import type { Hijacked, Transport } from "./transport.ts";

/** How an exec is started. `ConsoleSize` is [height, width]. */
export interface ExecStart {
  readonly Tty: boolean;
  readonly ConsoleSize?: readonly [number, number];
}

const at = (id: string): string => `/exec/${encodeURIComponent(id)}`;

/** Requests on execs. All throw ServerError on refusal. */
export class Execs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Prepares a process in `container`; nothing runs yet. */
  create(container: string, config: ExecConfig): Promise<IDResponse> {
    return this.#transport.json("POST", `/containers/${encodeURIComponent(container)}/exec`, {
      json: config,
    });
  }

  /** Starts it and attaches to its streams. */
  attach(id: string, start: ExecStart): Promise<Hijacked> {
    return this.#transport.hijack("POST", `${at(id)}/start`, { json: { Detach: false, ...start } });
  }

  /** Starts it in the background. */
  async startDetached(id: string, start: ExecStart): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/start`, { json: { Detach: true, ...start } });
  }

  inspect(id: string): Promise<ExecInspectResponse> {
    return this.#transport.json("GET", `${at(id)}/json`);
  }

  async resize(id: string, size: { readonly height: number; readonly width: number }): Promise<void> {
    await this.#transport.call("POST", `${at(id)}/resize`, { query: { h: size.height, w: size.width } });
  }
}
