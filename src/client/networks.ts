/**
 * Networks: Engine API `/networks/…`.
 * @module
 */
import type {
  NetworkConnectRequest,
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkDisconnectRequest,
  NetworkInspect,
  NetworkPruneResponse,
  NetworkSummary,
} from "@docker/node-sdk";
import { filterQuery, type Filters, type Transport } from "./transport.ts";

const at = (name: string): string => `/networks/${encodeURIComponent(name)}`;

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
    return this.#transport.json("GET", at(name), { query: { ...options } });
  }

  create(options: NetworkCreateRequest): Promise<NetworkCreateResponse> {
    return this.#transport.json("POST", "/networks/create", { json: options });
  }

  async remove(name: string): Promise<void> {
    await this.#transport.call("DELETE", at(name));
  }

  async connect(name: string, options: NetworkConnectRequest): Promise<void> {
    await this.#transport.call("POST", `${at(name)}/connect`, { json: options });
  }

  async disconnect(name: string, options: NetworkDisconnectRequest): Promise<void> {
    await this.#transport.call("POST", `${at(name)}/disconnect`, { json: options });
  }

  prune(filters?: Filters): Promise<NetworkPruneResponse> {
    return this.#transport.json("POST", "/networks/prune", { query: { filters: filterQuery(filters) } });
  }
}
