import { expect, test } from "bun:test";
import { expand, versionOf } from "./expand.ts";
import type { ProfileRule, RuleCondition, SeccompProfile } from "./types.ts";

const here = { capabilities: ["CAP_A", "CAP_B"], arch: "x86_64", kernel: "5.10.3-1-amd64" } as const;

function kept(includes?: RuleCondition, excludes?: RuleCondition): boolean {
  const rule: ProfileRule = { names: ["read"], action: "SCMP_ACT_ALLOW", includes, excludes };
  const profile: SeccompProfile = { defaultAction: "SCMP_ACT_ERRNO", syscalls: [rule] };
  return expand(profile, here)?.syscalls?.length === 1;
}

test("includes must match in everything that they say", () => {
  expect([
    kept({}),
    kept({ caps: ["CAP_A", "CAP_B"] }),
    kept({ caps: ["CAP_A", "CAP_C"] }),
    kept({ arches: ["arm64", "amd64"] }),
    kept({ arches: ["x86"] }),
    kept({ minKernel: "5.10" }),
    kept({ minKernel: "5.11" }),
    kept({ minKernel: "4.20" }),
    kept({ arches: ["amd64"], caps: ["CAP_C"] }),
  ]).toEqual([true, true, false, true, false, true, false, true, false]);
});

test("excludes drop a rule for any match", () => {
  expect([
    kept(undefined, {}),
    kept(undefined, { caps: ["CAP_C", "CAP_A"] }),
    kept(undefined, { caps: ["CAP_C"] }),
    kept(undefined, { arches: ["amd64"] }),
    kept(undefined, { arches: ["s390x"] }),
    kept(undefined, { minKernel: "5.10" }),
    kept(undefined, { minKernel: "6.0" }),
    kept({ caps: ["CAP_A"] }, { arches: ["amd64"], caps: ["CAP_C"] }),
  ]).toEqual([true, false, true, false, true, false, true, false]);
});

test("archMap becomes the native entry's architectures; everything else is passed on", () => {
  const profile: SeccompProfile = {
    defaultAction: "SCMP_ACT_LOG",
    flags: [],
    listenerPath: "/run/x",
    archMap: [
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
    ],
    syscalls: [{ names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 5, comment: "why" }],
  };
  expect(expand(profile, here)).toEqual({
    defaultAction: "SCMP_ACT_LOG",
    flags: [],
    listenerPath: "/run/x",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    syscalls: [{ names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 5 }],
  });
  expect(expand(profile, { ...here, arch: "riscv64" })?.architectures).toBeUndefined();
});

test("a profile without a default action is no profile", () => {
  expect(expand({ syscalls: [] }, here)).toBeUndefined();
});

test("kernel releases are compared by their first two numbers", () => {
  expect([versionOf("6.18.44-fc-v782"), versionOf("3.12-1-amd64"), versionOf("5.10")]).toEqual([
    [6, 18],
    [3, 12],
    [5, 10],
  ]);
  expect(() => versionOf("next")).toThrow('failed to parse kernel version "next"');
});
