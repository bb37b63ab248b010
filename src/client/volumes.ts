/**
 * Volumes: Engine API `/volumes/…`.
 * @module
 */
import type { Volume, VolumeCreateOptions, VolumeListResponse, VolumePruneResponse } from "@docker/node-sdk";
import { filterQuery, type Filters, type Transport } from "./transport.ts";

const at = (name: string): string => `/volumes/${encodeURIComponent(name)}`;

/** Requests on volumes. All throw ServerError on refusal. */
export class Volumes {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(filters?: Filters): Promise<VolumeListResponse> {
    return this.#transport.json("GET", "/volumes", { query: { filters: filterQuery(filters) } });
  }

  create(options: VolumeCreateOptions): Promise<Volume> {
    return this.#transport.json("POST", "/volumes/create", { json: options });
  }

  inspect(name: string): Promise<Volume> {
    return this.#transport.json("GET", at(name));
  }

  async remove(name: string, options: { force?: boolean } = {}): Promise<void> {
    await this.#transport.call("DELETE", at(name), { query: { ...options } });
  }

  prune(filters?: Filters): Promise<VolumePruneResponse> {
    return this.#transport.json("POST", "/volumes/prune", { query: { filters: filterQuery(filters) } });
  }
}
