/**
 * What a container may do and who it is: capabilities, seccomp, user namespaces' id maps, users, hidden paths.
 * Everything here is pure.
 * @module
 */
export {
  availableCapabilities,
  capabilitiesIn,
  capabilityBits,
  capabilityMask,
  capabilityNames,
  type CapabilityRequest,
  capabilitySets,
  type CapabilitySets,
  capsetData,
  capsetHeader,
  defaultCapabilities,
  normalizeCapabilities,
  resolveCapabilities,
} from "./capabilities.ts";
export {
  allocateRange,
  checkMappings,
  type IdMapping,
  mapText,
  rangeIndex,
  rangeMappings,
  rangeSize,
  toContainer,
  toHost,
} from "./idmap.ts";
export { maskedPaths, readonlyPaths } from "./paths.ts";
export * from "./seccomp/mod.ts";
export { type ResolvedUser, resolveUser, type UserFiles } from "./users.ts";
