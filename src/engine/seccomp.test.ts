import { expect, test } from "bun:test";
import { gatherHostFacts } from "./host-facts.ts";
import { checkSecurityOptions, SeccompFilters } from "./seccomp.ts";
import { exampleRecord } from "./testing.ts";

const facts = gatherHostFacts();
const filters = new SeccompFilters(undefined, facts);
const host = (...options: string[]): ReturnType<typeof exampleRecord>["hostConfig"] =>
  exampleRecord({ host: { SecurityOpt: options } }).hostConfig;
const custom = JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [] });

test("the built-in profile by default, nothing when privileged or unconfined", () => {
  const filter = filters.filter(host(), ["CAP_CHOWN"]);
  expect((filter?.filter.length ?? 0) % 8).toBe(0);
  expect(filter?.filter.length).toBeGreaterThan(800);
  expect(filters.filter(host("seccomp=unconfined"), [])).toBeUndefined();
  expect(filters.filter(exampleRecord({ host: { Privileged: true } }).hostConfig, [])).toBeUndefined();
  expect(new SeccompFilters("unconfined", facts).filter(host(), [])).toBeUndefined();
});

test("the same filter again for the same capabilities", () => {
  expect(filters.filter(host(), [])).toEqual(filters.filter(host(), []));
  expect(filters.filter(host(), [])?.filter).toBe(filters.filter(host(), [])?.filter as Uint8Array);
});

test("a profile of the client's own", () => {
  const filter = filters.filter(host(`seccomp=${custom}`), []);
  expect(filter?.filter.length ?? 0).toBeLessThan(filters.filter(host(), [])?.filter.length ?? 0);
});

test("options that can't be honoured are refused", () => {
  const check =
    (...options: string[]): (() => void) =>
    () =>
      checkSecurityOptions(options, filters, host(...options));
  expect(
    check("seccomp=unconfined", "no-new-privileges", "label=disable", "apparmor=unconfined"),
  ).not.toThrow();
  expect(check("apparmor=custom")).toThrow("--security-opt apparmor=custom is not supported");
  expect(check("nonsense=1")).toThrow('invalid --security-opt 2: "nonsense=1"');
  expect(check("seccomp={nonsense")).toThrow("Decoding seccomp profile failed");
});
