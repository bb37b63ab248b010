/**
 * The bodies of requests about networks, as the API has read them: fields are Docker's, any may be absent.
 * @module
 */
export type { NetworkBody } from "../network/mod.ts";

/** Addresses that the user wants (Docker's EndpointIPAMConfig). */
export interface EndpointIpamBody {
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
  readonly LinkLocalIPs?: readonly string[] | null;
}

/** What the user says about a container's place on a network (Docker's EndpointSettings; what the engine says is ignored). */
export interface EndpointConfigBody {
  readonly IPAMConfig?: EndpointIpamBody | null;
  readonly Links?: readonly string[] | null;
  readonly Aliases?: readonly string[] | null;
  readonly MacAddress?: string;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly GwPriority?: number;
  readonly NetworkID?: string;
}

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
