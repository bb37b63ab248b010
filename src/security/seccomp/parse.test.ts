import { describe, expect, test } from "bun:test";
import { isFailure } from "../../errors/mod.ts";
import { parseExactly, parseOciSeccomp, parseProfile, printExactly } from "./parse.ts";

function refusal(profile: unknown): string {
  try {
    parseProfile(typeof profile === "string" ? profile : JSON.stringify(profile));
  } catch (error) {
    if (isFailure(error, "invalid-parameter")) return error.message;
    throw error;
  }
  return "";
}

const rule = (fields: object): object => ({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["read"], action: "SCMP_ACT_ERRNO", ...fields }],
});

describe("parseProfile", () => {
  test("reads Docker's form, old and new, and keeps nothing else", () => {
    const profile = parseProfile(`{
      "DefaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "comment": "x", "flags": null,
      "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
                  {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}],
      "syscalls": [
        {"name": "read", "action": "SCMP_ACT_ALLOW", "args": null, "comment": "c", "includes": {}, "excludes": {"caps": ["CAP_X"]}},
        {"names": ["a", "b"], "action": "SCMP_ACT_TRACE", "errnoRet": 65535,
         "args": [{"index": 5, "value": 18446744073709551615, "valueTwo": 9007199254740993, "op": "SCMP_CMP_MASKED_EQ"}],
         "includes": {"minKernel": "4.8", "arches": ["amd64"]}}]}`);
    expect(profile).toEqual({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      archMap: [
        { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
        { architecture: "SCMP_ARCH_RISCV64", subArchitectures: [] },
      ],
      syscalls: [
        { names: ["read"], action: "SCMP_ACT_ALLOW", includes: {}, excludes: { caps: ["CAP_X"] } },
        {
          names: ["a", "b"],
          action: "SCMP_ACT_TRACE",
          errnoRet: 65535,
          args: [
            { index: 5, value: 0xffffffffffffffffn, valueTwo: 9007199254740993n, op: "SCMP_CMP_MASKED_EQ" },
          ],
          includes: { minKernel: "4.8", arches: ["amd64"] },
        },
      ],
    });
  });

  test("an empty profile switches seccomp off", () => {
    expect(parseProfile("{}")).toEqual({ syscalls: [] });
    expect(parseProfile(`{"defaultAction": "", "syscalls": []}`)).toEqual({ syscalls: [] });
  });

  test.each([
    ["{", /^Decoding seccomp profile failed: .+/],
    ["[]", "Decoding seccomp profile failed: profile: an object is needed, not []"],
    [
      { defaultAction: "SCMP_ACT_FOO" },
      "defaultAction: string SCMP_ACT_FOO is not a valid action for seccomp",
    ],
    [
      { syscalls: [{ names: ["a"], action: "SCMP_ACT_LOG" }] },
      'defaultAction: string "" is not a valid action for seccomp',
    ],
    [rule({ action: "allow" }), "syscalls[0].action: string allow is not a valid action for seccomp"],
    [rule({ names: "read" }), 'syscalls[0].names: a list is needed, not "read"'],
    [rule({ names: [3] }), "syscalls[0].names[0]: a string is needed, not 3"],
    [
      rule({ args: [{ index: 6, op: "SCMP_CMP_EQ" }] }),
      "syscalls[0].args[0].index: syscalls only have up to 6 arguments (6 given)",
    ],
    [
      rule({ args: [{ index: 0, op: "SCMP_CMP_XX" }] }),
      "syscalls[0].args[0].op: string SCMP_CMP_XX is not a valid operator for seccomp",
    ],
    [
      rule({ args: [{ index: 0, value: -1, op: "SCMP_CMP_EQ" }] }),
      "syscalls[0].args[0].value: an unsigned 64-bit number is needed, not -1",
    ],
    [
      rule({ args: [{ index: 0, value: 1.5, op: "SCMP_CMP_EQ" }] }),
      "syscalls[0].args[0].value: an unsigned 64-bit number is needed, not 1.5",
    ],
    [rule({ errnoRet: 4096 }), "syscalls[0].errnoRet: 4096 is above 4095"],
    [
      rule({ action: "SCMP_ACT_LOG", errnoRet: 1 }),
      "syscalls[0].errnoRet: the action SCMP_ACT_LOG takes no errno",
    ],
    [
      { defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1 },
      "defaultErrnoRet: the action SCMP_ACT_ALLOW takes no errno",
    ],
    [
      { defaultAction: "SCMP_ACT_ALLOW", architectures: ["amd64"] },
      "architectures[0]: string amd64 is not a valid arch for seccomp",
    ],
    [{ defaultAction: "SCMP_ACT_ALLOW", flags: ["X"] }, "flags[0]: string X is not a valid flag for seccomp"],
    [
      rule({ includes: { minKernel: "4" } }),
      'syscalls[0].includes.minKernel: invalid kernel version: "4", expected "<kernel>.<major>"',
    ],
    [
      rule({ excludes: { minKernel: "4.8.1" } }),
      'syscalls[0].excludes.minKernel: invalid kernel version: "4.8.1", expected "<kernel>.<major>"',
    ],
    [
      rule({ excludes: { minKernel: "0.0" } }),
      'syscalls[0].excludes.minKernel: invalid kernel version: "0.0", expected "<kernel>.<major>"',
    ],
  ] as const)("%j is refused", (profile, reason) => {
    const expected =
      typeof reason === "string"
        ? `Decoding seccomp profile failed: ${reason.replace(/^Decoding .*failed: /, "")}`
        : reason;
    if (typeof expected === "string") expect(refusal(profile)).toBe(expected);
    else expect(refusal(profile)).toMatch(expected);
  });

  test("two ways of saying one thing are refused in Docker's words", () => {
    expect(refusal(rule({ name: "write" }))).toBe(
      "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    );
    expect(
      refusal({
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86"],
        archMap: [{ architecture: "SCMP_ARCH_X86" }],
      }),
    ).toBe(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  });
});

describe("parseOciSeccomp", () => {
  test("reads what a bundle says", () => {
    const seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      listenerPath: "/run/agent.sock",
      listenerMetadata: "m",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
    };
    expect(parseOciSeccomp(seccomp)).toEqual(seccomp as ReturnType<typeof parseOciSeccomp>);
  });

  test("refuses a missing default action", () => {
    expect(() => parseOciSeccomp({})).toThrow('defaultAction: string "" is not a valid action for seccomp');
    expect(() => parseOciSeccomp(3)).toThrow("seccomp: an object is needed, not 3");
  });
});

test("printExactly loses none either", () => {
  const text = `{"value":18446744073709551615,"other":[1,null,"x"]}`;
  expect(printExactly(parseExactly(text))).toBe(text);
});

test("parseExactly loses no digit", () => {
  expect(
    parseExactly(`[9007199254740991, 9007199254740993, -9007199254740993, 1e300, "12345678901234567890"]`),
  ).toEqual([9007199254740991, 9007199254740993n, -9007199254740993n, 1e300, "12345678901234567890"]);
  expect(parseExactly("[1]")).toEqual([1]);
});
