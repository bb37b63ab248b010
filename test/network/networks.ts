/**
 * Networks and published ports that tests of the firewall share: network N is `brN` with 172.30.N.0/24 and fd30:N::/64.
 * @module
 */
import type { FirewallNetwork } from "../../src/network/firewall/mod.ts";
import type { BridgeOptions, PublishedPort } from "../../src/network/types.ts";

const options: BridgeOptions = {
  bridge: "br1",
  masquerade4: true,
  masquerade6: true,
  icc: true,
  gatewayMode4: "nat",
  gatewayMode6: "nat",
  hostBinding4: "0.0.0.0",
  inhibitIPv4: false,
  trustedInterfaces: [],
  interfacePrefix: "eth",
};

/** Network `index`, with other options than Docker's defaults. */
export function bridge(index: number, more: Partial<BridgeOptions> = {}, internal = false): FirewallNetwork {
  return {
    options: { ...options, bridge: `br${index}`, ...more },
    subnets: [`172.30.${index}.0/24`, `fd30:${index}::/64`],
    internal,
    directRouting: false,
  };
}

/** A TCP port, or a range. */
export function port(
  hostAddress: string,
  hostPort: number,
  containerAddress: string,
  containerPort: number,
  count = 1,
): PublishedPort {
  return { protocol: "tcp", hostAddress, hostPort, containerAddress, containerPort, count };
}

/** Every address of the host, both families, as `-p` alone publishes. */
export function everywhere(
  hostPort: number,
  network: number,
  host: number,
  containerPort = 80,
  count = 1,
): PublishedPort[] {
  return [
    port("0.0.0.0", hostPort, `172.30.${network}.${host}`, containerPort, count),
    port("::", hostPort, `fd30:${network}::${host}`, containerPort, count),
  ];
}
