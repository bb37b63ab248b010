/**
 * Seccomp profiles as people write them: OCI's `linux.seccomp` (runtime-spec, config-linux.md) and Docker's JSON form,
 * which adds conditions on capabilities, architecture and kernel to it.
 * @module
 */

export const seccompActions = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
] as const;
/** What happens to a system call. KILL is KILL_THREAD, as in libseccomp. */
export type SeccompAction = (typeof seccompActions)[number];

export const seccompOperators = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;
/** How an argument is compared. MASKED_EQ: `(argument & value) == valueTwo`. */
export type SeccompOperator = (typeof seccompOperators)[number];

export const seccompArchitectures = [
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_MIPS",
  "SCMP_ARCH_MIPS64",
  "SCMP_ARCH_MIPS64N32",
  "SCMP_ARCH_MIPSEL",
  "SCMP_ARCH_MIPSEL64",
  "SCMP_ARCH_MIPSEL64N32",
  "SCMP_ARCH_PPC",
  "SCMP_ARCH_PPC64",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_S390",
  "SCMP_ARCH_S390X",
  "SCMP_ARCH_RISCV64",
  "SCMP_ARCH_LOONGARCH64",
] as const;
/** An ABI that a filter speaks for; any other is killed. */
export type SeccompArchitecture = (typeof seccompArchitectures)[number];

export const seccompFlags = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
] as const;
/** Flags of seccomp(2) that a profile may ask for. */
export type SeccompFlag = (typeof seccompFlags)[number];

/** An unsigned 64-bit number; a bigint only where a double could not hold it exactly. */
export type Word = number | bigint;

/** A condition on one argument of a system call. */
export interface SeccompArgument {
  /** Which argument, 0 to 5. */
  readonly index: number;
  readonly value: Word;
  readonly valueTwo?: Word;
  readonly op: SeccompOperator;
}

/** What happens to the named system calls when all of `args` hold. */
export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  /** The errno for ERRNO, the message for TRACE; EPERM where absent. */
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[];
}

interface Common {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly SeccompArchitecture[];
  readonly flags?: readonly SeccompFlag[];
  /** Unix socket that receives the notification descriptor for NOTIFY. */
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
}

/** OCI's `linux.seccomp`. */
export interface OciSeccomp extends Common {
  readonly syscalls?: readonly SeccompRule[];
}

/** When a rule of Docker's form applies. Every list that is given must match. */
export interface RuleCondition {
  /** For `includes` all of them, for `excludes` any of them in the bounding set. */
  readonly caps?: readonly string[];
  /** Docker's names of architectures (`amd64`, `arm64`, `s390x` …); only the native one counts. */
  readonly arches?: readonly string[];
  /** `"4.8"`: that kernel or newer. */
  readonly minKernel?: string;
}

/** A rule of Docker's form. */
export interface ProfileRule extends SeccompRule {
  readonly comment?: string;
  readonly includes?: RuleCondition;
  readonly excludes?: RuleCondition;
}

/** A profile in Docker's form, checked: `name` of old profiles has become `names`. */
export interface SeccompProfile extends Omit<Common, "defaultAction"> {
  /** Absent, together with no rules at all, in a profile that switches seccomp off. */
  readonly defaultAction?: SeccompAction;
  readonly archMap?: readonly {
    readonly architecture: SeccompArchitecture;
    readonly subArchitectures: readonly SeccompArchitecture[];
  }[];
  readonly syscalls: readonly ProfileRule[];
}
