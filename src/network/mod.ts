/**
 * Networks: drivers, addresses, published ports, names.
 * @module
 */
export type * from "./types.ts";
export { parseContainerPort, portRequests, type PortRequest } from "./ports/requests.ts";
export { PortReservations, type PortRange } from "./ports/reservations.ts";
export { hostPorts, publishPorts } from "./ports/publish.ts";
