/**
 * Netlink: messages as data, sent by programs; answers taken apart.
 * @module
 */
export * from "./addresses.ts";
export { netlink, openNetlink, type NetlinkFamily } from "./call.ts";
export { deleteConnections, deletionsOf, dumpConnections, type ConnectionFilter } from "./conntrack.ts";
export {
  decodeAddresses,
  decodeLinks,
  decodeRoutes,
  type AddressState,
  type LinkState,
  type RouteState,
} from "./decode.ts";
export { decodeBoundSockets, dumpBoundSockets, type BoundSocket } from "./diag.ts";
export * from "./link.ts";
export * from "./message.ts";
export { AttributeReader, parseMessages, type ReceivedMessage } from "./parse.ts";
export * from "./nftables.ts";
export * from "./nftables-copy.ts";
export * from "./route.ts";
