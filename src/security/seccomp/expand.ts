/**
 * Docker's profile → OCI's: drops the rules whose conditions don't hold for this container on this machine.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Architecture } from "../../kernel/syscalls/mod.ts";
import type { OciSeccomp, RuleCondition, SeccompArchitecture, SeccompProfile, SeccompRule } from "./types.ts";

/** What decides which rules of a profile apply. */
export interface Circumstances {
  /** The bounding set, `CAP_…` names. */
  readonly capabilities: readonly string[];
  /** The architecture that the engine runs on. */
  readonly arch: Architecture;
  /** Kernel release as uname(2) gives it: `6.18.44-fc`. Only the first two numbers count. */
  readonly kernel: string;
}

/** Docker's names of architectures, as `arches` in profiles spells them, and OCI's. */
const names: Readonly<Record<Architecture, readonly [docker: string, oci: SeccompArchitecture]>> = {
  x86_64: ["amd64", "SCMP_ARCH_X86_64"],
  x86: ["x86", "SCMP_ARCH_X86"],
  x32: ["x32", "SCMP_ARCH_X32"],
  aarch64: ["arm64", "SCMP_ARCH_AARCH64"],
  arm: ["arm", "SCMP_ARCH_ARM"],
  mips: ["mips", "SCMP_ARCH_MIPS"],
  mips64: ["mips64", "SCMP_ARCH_MIPS64"],
  mips64n32: ["mips64n32", "SCMP_ARCH_MIPS64N32"],
  mipsel: ["mipsel", "SCMP_ARCH_MIPSEL"],
  mipsel64: ["mipsel64", "SCMP_ARCH_MIPSEL64"],
  mipsel64n32: ["mipsel64n32", "SCMP_ARCH_MIPSEL64N32"],
  ppc: ["ppc", "SCMP_ARCH_PPC"],
  ppc64: ["ppc64", "SCMP_ARCH_PPC64"],
  ppc64le: ["ppc64le", "SCMP_ARCH_PPC64LE"],
  s390: ["s390", "SCMP_ARCH_S390"],
  s390x: ["s390x", "SCMP_ARCH_S390X"],
  riscv64: ["riscv64", "SCMP_ARCH_RISCV64"],
  loongarch64: ["loong64", "SCMP_ARCH_LOONGARCH64"],
};

/** OCI's name of `arch`. */
export function ociArchitecture(arch: Architecture): SeccompArchitecture {
  return names[arch][1];
}

/**
 * The profile's rules for one container, with moby's meaning of `archMap`, `includes` and `excludes`
 * (moby/profiles, seccomp/seccomp_linux.go).
 * @returns undefined where the profile switches seccomp off (no default action and no rules)
 */
export function expand(profile: SeccompProfile, circumstances: Circumstances): OciSeccomp | undefined {
  const { defaultAction, archMap, syscalls, ...rest } = profile;
  if (defaultAction === undefined) return undefined;
  const [docker, oci] = names[circumstances.arch];
  const mapped = archMap?.find((entry) => entry.architecture === oci);
  const kernel = versionOf(circumstances.kernel);
  const applies = (condition: RuleCondition): { all: boolean; any: boolean } => {
    const { caps = [], arches = [], minKernel } = condition;
    const tests: boolean[] = [];
    if (arches.length > 0) tests.push(arches.includes(docker));
    if (minKernel !== undefined) tests.push(!older(kernel, versionOf(minKernel)));
    for (const cap of caps) tests.push(circumstances.capabilities.includes(cap));
    return { all: tests.every(Boolean), any: tests.some(Boolean) };
  };
  const kept: SeccompRule[] = [];
  for (const { names: calls, action, errnoRet, args, includes, excludes } of syscalls) {
    if (excludes !== undefined && applies(excludes).any) continue;
    if (includes !== undefined && !applies(includes).all) continue;
    kept.push({ names: calls, action, errnoRet, args });
  }
  return {
    ...rest,
    defaultAction,
    architectures: mapped ? [mapped.architecture, ...mapped.subArchitectures] : rest.architectures,
    syscalls: kept,
  };
}

type Version = readonly [kernel: number, major: number];

/** First two numbers of a kernel release; the rest differs between distributions and says nothing about features. */
export function versionOf(release: string): Version {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (match === null) throw failure("internal", { message: `failed to parse kernel version "${release}"` });
  return [Number(match[1]), Number(match[2])];
}

function older(a: Version, b: Version): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}
