/**
 * Networks: what they are, their addresses, and the programs that make them.
 * @module
 */
export type * from "./types.ts";
export type * from "./driver.ts";
export * from "./ipam/addresses.ts";
export * from "./ipam/allocate.ts";
export type { IpamConfigBody } from "./ipam/config.ts";
export * from "./ipam/pools.ts";
export * from "./default-bridge.ts";
export * from "./endpoint-request.ts";
export * from "./request.ts";
