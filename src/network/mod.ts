/**
 * Networks: drivers, addresses, published ports, names.
 * @module
 */
export type * from "./types.ts";
export type { AttachPlace, GatewayNeeds, LinkFacts, NetworkDriver, NetworkStep, Sandbox } from "./driver.ts";
export { readBridgeOptions } from "./links/bridge-options.ts";
export { driverOf, interfacePrefix, readDriverOptions, userDrivers } from "./links/drivers.ts";
export { interfaceIndexOf } from "./links/link-numbers.ts";
export { enableForwarding } from "./links/forwarding.ts";
export { endpointSysctls, type EndpointSysctls } from "./links/sysctls.ts";
