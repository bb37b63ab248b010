/**
 * What a container may do and who it is: capabilities, seccomp, user namespaces' id maps, users, hidden paths.
 * Everything here is pure.
 * @module
 */
export {
  availableCapabilities,
  capabilityBits,
  capabilityMask,
  type CapabilityRequest,
  capabilitySets,
  type CapabilitySets,
  capsetData,
  capsetHeader,
  defaultCapabilities,
  normalizeCapabilities,
  resolveCapabilities,
} from "./capabilities.ts";
export { allocateRange, type IdMapping, rangeMappings, rangeSize } from "./idmap.ts";
export { maskedPaths, readonlyPaths } from "./paths.ts";
export * from "./seccomp/mod.ts";
export { type ResolvedUser, resolveUser, type UserFiles } from "./users.ts";
