import { expect, test } from "bun:test";
import { seccompFilter } from "./cache.ts";
import { defaultProfile } from "./default-profile.ts";
import type { SeccompProfile } from "./types.ts";

const here = { capabilities: ["CAP_CHOWN"], arch: "x86_64", kernel: "6.18.44" } as const;

test("a profile is compiled once for circumstances that it can't tell apart", () => {
  const first = seccompFilter(defaultProfile(), here);
  expect(first?.filter.length).toBeGreaterThan(1000);
  expect(seccompFilter(defaultProfile(), { ...here, capabilities: ["CAP_KILL", "CAP_FOWNER"] })).toBe(first);
  expect(seccompFilter(defaultProfile(), { ...here, kernel: "6.18.2-rc1" })).toBe(first);
  const admin = seccompFilter(defaultProfile(), { ...here, capabilities: ["CAP_SYS_ADMIN"] });
  expect(admin?.filter).not.toEqual(first?.filter);
  const old = seccompFilter(defaultProfile(), { ...here, kernel: "4.4.0" });
  expect(old?.filter).not.toEqual(first?.filter);
});

test("profiles are told apart, and one that is off stays off", () => {
  const off: SeccompProfile = { syscalls: [] };
  expect(seccompFilter(off, here)).toBeUndefined();
  expect(seccompFilter(off, here)).toBeUndefined();
  const log: SeccompProfile = { defaultAction: "SCMP_ACT_LOG", syscalls: [] };
  expect(seccompFilter(log, here)).not.toBe(seccompFilter({ ...log }, here));
});
