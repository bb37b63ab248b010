import { expect, test } from "bun:test";
import { printExactly } from "../security/mod.ts";
import { configJson } from "./config-json.ts";
import { makeSpec } from "./oci-spec.ts";
import { defaults, exampleRecord } from "./testing.ts";

const record = exampleRecord({ config: { Env: ['A="seccomp":"caisson:seccomp"'] } });
const spec = makeSpec(record, {
  user: { uid: 0, gid: 0, groups: [0], home: "/" },
  directory: "/data",
  capabilities: defaults.capabilities,
  cgroupsPath: "/docker/x",
  noNewPrivileges: false,
  ulimits: [],
  layerPaths: () => [],
});

test("the text is what it would be without the shortcut, 64-bit numbers and all", () => {
  const seccomp = { defaultAction: "SCMP_ACT_ERRNO", syscalls: [{ args: [{ value: 0xffffffffffffffffn }] }] };
  const whole = { ...spec, linux: { ...spec.linux, seccomp } };
  expect(configJson(whole)).toBe(printExactly(whole));
  expect(configJson(whole)).toContain("18446744073709551615");
  expect(configJson(whole)).toBe(configJson(whole));
});

test("without a filter there is nothing to put in its place", () => {
  expect(JSON.parse(configJson(spec))).toEqual(JSON.parse(JSON.stringify(spec)));
});
