/**
 * Seccomp: from a profile in Docker's or OCI's form to the filter that seccomp(2) installs.
 * @module
 */
export { compileOnce, expandOnce } from "./cache.ts";
export type { CompiledSeccomp } from "./compile.ts";
export { defaultProfile, type ProfileGroup } from "./default-profile.ts";
export type { Circumstances } from "./expand.ts";
export { parseProfile, printExactly } from "./parse.ts";
export type {
  OciSeccomp,
  ProfileRule,
  RuleCondition,
  SeccompAction,
  SeccompArchitecture,
  SeccompArgument,
  SeccompFlag,
  SeccompOperator,
  SeccompProfile,
  SeccompRule,
  Word,
} from "./types.ts";
