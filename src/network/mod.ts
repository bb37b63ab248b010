/**
 * Networks: drivers, addresses, published ports, names.
 * @module
 */
export type * from "./types.ts";
export type { LinkFacts, NetworkDriver, NetworkStep } from "./driver.ts";
export { readBridgeOptions } from "./links/bridge-options.ts";
export { driverOf, interfacePrefix, isForeign, readDriverOptions, userDrivers } from "./links/drivers.ts";
export { exitsByGateway, prefixLength } from "./links/interface.ts";
export { foreignExit } from "./plugins/driver.ts";
export * as ipamPlugin from "./plugins/ipam.ts";
export {
  createNetwork,
  deleteNetwork,
  eachPort,
  joinPlugin,
  leavePlugin,
  pluginScope,
} from "./plugins/network-calls.ts";
export { findCniList, type CniList } from "./cni/config.ts";
export { cniAdd, cniDelete, type CniAttachment } from "./cni/execute.ts";
export { readCniResult } from "./cni/result.ts";
export { readIpamConfig } from "./ipam/config.ts";
export { interfaceIndexOf } from "./links/link-numbers.ts";
export { enableForwarding } from "./links/forwarding.ts";
export { endpointSysctls, sysctlOf, type EndpointSysctls } from "./links/sysctls.ts";
export { NetworkAddresses } from "./ipam/allocate.ts";
export {
  formatAddress,
  formatPrefix,
  isUnspecified,
  parseAddress,
  parseCidr,
  type Address,
  type Family,
} from "./ipam/addresses.ts";
export { draftDefaultBridge } from "./default-bridge.ts";
export { readEndpointRequest, type EndpointConfigBody, type EndpointIpamBody } from "./endpoint-request.ts";
export { effectivePools, parseDefaultPool, poolJson, type DefaultPool } from "./ipam/pools.ts";
export { draftNetwork, isPredefined, type NetworkBody, type NetworkSurroundings } from "./request.ts";
export { parseContainerPort, portRequests, type PortRequest } from "./ports/requests.ts";
export { PortReservations, type PortRange } from "./ports/reservations.ts";
export { hostPorts, publishPorts } from "./ports/publish.ts";
export { bridgesAreUnfiltered } from "./host/bridge-filter.ts";
export { takenOfRanges } from "./host/listening.ts";
export { openNamespace } from "./host/namespace.ts";
export { hostPrefixes, linkAddresses, LinkIndex } from "./host/link-index.ts";
export { startGuarded } from "./companions/guard.ts";
export { companionSlots } from "./companions/companion.ts";
export { BIND_LABEL, bindingText, bindPort, startProxy } from "./companions/proxy.ts";
export { startLoopback, startRelay, type Relay } from "./companions/relay.ts";
export { addResolverRules } from "./companions/resolver-rules.ts";
export {
  add as addElements,
  Firewall,
  FirewallObserver,
  forgetExchanges,
  forgetOneByOne,
  networkElements,
  keepFirewall,
  openFirewall,
  portElements,
  remove as removeElements,
  unchosen,
  type FirewallElement,
  linkElements,
  type FirewallNetwork,
} from "./firewall/mod.ts";
export type * from "./dns/types.ts";
export { ResolverClient, type ResolverPlace } from "./dns/client.ts";
