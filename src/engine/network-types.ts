/**
 * The bodies of requests about networks, as the API has read them: fields are Docker's, any may be absent.
 * @module
 */
import type { EndpointConfigBody } from "../network/mod.ts";

export type { EndpointConfigBody, EndpointIpamBody, NetworkBody } from "../network/mod.ts";

/** `POST /networks/{id}/connect` */
export interface ConnectBody {
  readonly Container?: string;
  readonly EndpointConfig?: EndpointConfigBody | null;
}

/** `POST /networks/{id}/disconnect` */
export interface DisconnectBody {
  readonly Container?: string;
  readonly Force?: boolean;
}
