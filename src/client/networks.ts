/**
 * Networks: Engine API `/networks/…`.
 * @module
 */
import type { NetworkInspect, NetworkSummary } from "@docker/node-sdk";
import { filterQuery, type Filters, type Transport } from "./transport.ts";

/** Requests on networks. All throw ServerError on refusal. */
export class Networks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  list(filters?: Filters): Promise<NetworkSummary[]> {
    return this.#transport.json("GET", "/networks", { query: { filters: filterQuery(filters) } });
  }

  inspect(name: string, options: { verbose?: boolean; scope?: string } = {}): Promise<NetworkInspect> {
    return this.#transport.json("GET", `/networks/${encodeURIComponent(name)}`, { query: { ...options } });
  }
}
