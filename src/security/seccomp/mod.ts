/**
 * Seccomp: from a profile in Docker's or OCI's form to the filter that seccomp(2) installs.
 * @module
 */
export { compileOnce, expandOnce } from "./cache.ts";
export { type CompiledSeccomp, compileSeccomp } from "./compile.ts";
export { defaultProfile, defaultProfileGroups, type ProfileGroup } from "./default-profile.ts";
export { disassemble, verdictName } from "./disassemble.ts";
export { type Circumstances, expand } from "./expand.ts";
export { parseExactly, parseOciSeccomp, parseProfile, printExactly } from "./parse.ts";
export {
  type OciSeccomp,
  type ProfileRule,
  type RuleCondition,
  type SeccompAction,
  seccompActions,
  type SeccompArchitecture,
  seccompArchitectures,
  type SeccompArgument,
  type SeccompFlag,
  seccompFlags,
  type SeccompOperator,
  seccompOperators,
  type SeccompProfile,
  type SeccompRule,
  type Word,
} from "./types.ts";
