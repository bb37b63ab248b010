import { expect, test } from "bun:test";
import { compileOnce, expandOnce } from "./cache.ts";
import { compileSeccomp } from "./compile.ts";
import { defaultProfile } from "./default-profile.ts";
import { expand } from "./expand.ts";
import type { OciSeccomp, SeccompProfile } from "./types.ts";

const here = { capabilities: ["CAP_CHOWN"], arch: "x86_64", kernel: "6.18.44" } as const;

test("a profile is expanded once for circumstances that it can't tell apart", () => {
  const first = expandOnce(defaultProfile(), here);
  expect(first).toEqual(expand(defaultProfile(), here));
  expect(expandOnce(defaultProfile(), { ...here, capabilities: ["CAP_KILL", "CAP_FOWNER"] })).toBe(first);
  expect(expandOnce(defaultProfile(), { ...here, kernel: "6.18.2-rc1" })).toBe(first);
  for (const other of [
    { ...here, capabilities: ["CAP_SYS_ADMIN"] },
    { ...here, kernel: "4.4.0" },
    { ...here, arch: "aarch64" as const },
  ]) {
    expect(expandOnce(defaultProfile(), other)).toEqual(expand(defaultProfile(), other));
    expect(expandOnce(defaultProfile(), other)).not.toEqual(first);
  }
});

test("a profile that is off stays off", () => {
  const off: SeccompProfile = { syscalls: [] };
  expect(expandOnce(off, here)).toBeUndefined();
  expect(expandOnce(off, here)).toBeUndefined();
});

test("a filter is compiled once for each profile and architecture", () => {
  const profile: OciSeccomp = { defaultAction: "SCMP_ACT_LOG" };
  const filter = compileOnce(profile, here);
  expect(filter).toEqual(compileSeccomp(profile, here));
  expect(compileOnce(profile, here)).toBe(filter);
  expect(compileOnce({ ...profile }, here)).not.toBe(filter);
  expect(compileOnce(profile, { arch: "aarch64" })).toEqual(compileSeccomp(profile, { arch: "aarch64" }));
});
