/**
 * Networks: drivers, addresses, published ports, names.
 * @module
 */
export type * from "./dns/types.ts";
export { ResolverClient, type ResolverPlace } from "./dns/client.ts";
