/**
 * Networks: drivers, addresses, published ports, names.
 * @module
 */
export type * from "./types.ts";
export { NetworkAddresses } from "./ipam/allocate.ts";
export { localPools, ulaPool, type DefaultPool } from "./ipam/pools.ts";
export { draftNetwork, isPredefined, type NetworkBody, type NetworkSurroundings } from "./request.ts";
export { parseContainerPort, portRequests, type PortRequest } from "./ports/requests.ts";
export { PortReservations, type PortRange } from "./ports/reservations.ts";
export { hostPorts, publishPorts } from "./ports/publish.ts";
