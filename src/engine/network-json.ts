/**
 * A network as Docker's JSON.
 * @module
 */
import { prefixLength, type Endpoint, type IpamPool, type NetworkRecord } from "../network/mod.ts";
import type { Json } from "./engine.ts";

/** Who is on a network. */
export interface Occupant {
  readonly endpoint: Endpoint;
  /** Name of the container. */
  readonly name: string;
}

function subnetJson({ subnet, ipRange, gateway, auxiliary, gatewayChosen }: IpamPool): Json {
  return {
    Subnet: subnet,
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
    // Docker shows a gateway that was asked for, or that it chose with the subnet.
    ...(gateway === undefined || gatewayChosen === true ? {} : { Gateway: gateway }),
    ...(auxiliary === undefined ? {} : { AuxiliaryAddresses: auxiliary }),
  };
}

/** `172.18.0.2/16`; empty without an address. */
function withPrefix(network: NetworkRecord, endpoint: Endpoint, address: string | undefined): string {
  return address === undefined ? "" : `${address}/${prefixLength(network, endpoint, address)}`;
}

/** As Docker has them: what was asked for before what the engine chose, of each IPv4 before IPv6. */
function inOrder(pools: readonly IpamPool[]): IpamPool[] {
  const rank = ({ automatic, subnet }: IpamPool): number =>
    2 * Number(automatic === true) + Number(subnet.includes(":"));
  return pools.toSorted((a, b) => rank(a) - rank(b));
}

/** `GET /networks/{id}`, and one entry of the list. */
export function networkJson(network: NetworkRecord, occupants: readonly Occupant[]): Json {
  const { ipam } = network;
  const entries = occupants.map(({ endpoint, name }) => [
    endpoint.container,
    {
      Name: name,
      EndpointID: endpoint.id,
      MacAddress: endpoint.mac,
      IPv4Address: withPrefix(network, endpoint, endpoint.ipv4),
      IPv6Address: withPrefix(network, endpoint, endpoint.ipv6),
    },
  ]);
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: network.scope ?? "local",
    Driver: network.driver,
    EnableIPv4: network.enableIPv4,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: ipam.driver,
      Options: ipam.options,
      Config: ipam.pools.length === 0 && ipam.options === null ? null : inOrder(ipam.pools).map(subnetJson),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: network.ingress,
    ConfigFrom: { Network: network.configFrom },
    ConfigOnly: network.configOnly,
    Containers: Object.fromEntries(entries) as Json,
    Options: network.options,
    Labels: network.labels,
  };
}
