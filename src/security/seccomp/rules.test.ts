import { describe, expect, test } from "bun:test";
import { syscallTable } from "../../kernel/syscalls/mod.ts";
import { narrow, resolveRules, rulesFor, unknownCalls, verdictOf, type Outcome } from "./rules.ts";
import type { Architecture } from "../../kernel/syscalls/mod.ts";
import type { OciSeccomp, SeccompRule } from "./types.ts";

const profile = (syscalls: readonly SeccompRule[], more: Partial<OciSeccomp> = {}): OciSeccomp => ({
  defaultAction: "SCMP_ACT_ERRNO",
  syscalls,
  ...more,
});
const allow = (...names: string[]): SeccompRule => ({ names, action: "SCMP_ACT_ALLOW" });
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;

function outcome(
  rules: readonly SeccompRule[],
  name: string,
  arch: Architecture = "x86_64",
): Outcome | undefined {
  const number = syscallTable(arch).get(name);
  return rulesFor(arch, resolveRules(profile(rules))).outcomes.get(number ?? -1);
}

test("verdicts as linux/seccomp.h has them; ERRNO and TRACE carry a value, EPERM by default", () => {
  expect(verdictOf("SCMP_ACT_ERRNO")).toBe(0x50001);
  expect(verdictOf("SCMP_ACT_ERRNO", 38)).toBe(0x50026);
  expect(verdictOf("SCMP_ACT_TRACE", 7)).toBe(0x7ff00007);
  expect(verdictOf("SCMP_ACT_ALLOW", 7)).toBe(ALLOW);
  expect(verdictOf("SCMP_ACT_KILL_PROCESS")).toBe(KILL);
  expect(verdictOf("SCMP_ACT_KILL")).toBe(0);
});

describe("which rule decides", () => {
  const kill: SeccompRule = { names: ["read"], action: "SCMP_ACT_KILL_PROCESS" };
  const conditional: SeccompRule = { ...kill, args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] };

  test("one without conditions beats those with; of several the first stays", () => {
    expect(outcome([conditional, allow("read"), kill], "read")).toBe(ALLOW);
    expect(outcome([kill, allow("read")], "read")).toBe(KILL);
    expect(outcome([conditional], "read")).toHaveLength(1);
    expect(outcome([conditional], "write")).toBeUndefined();
  });

  test("one that repeats the default decides nothing, and stands in nobody's way", () => {
    const repeats: SeccompRule = { names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 1 };
    expect(outcome([repeats, allow("read")], "read")).toBe(ALLOW);
    expect(outcome([repeats], "read")).toBeUndefined();
  });

  test("two conditions on one argument are alternatives, on several they must all hold", () => {
    const on = (...indexes: number[]): SeccompRule => ({
      ...allow("read"),
      args: indexes.map((index) => ({ index, value: index, op: "SCMP_CMP_EQ" })),
    });
    const sizes = (rule: SeccompRule): number[] => {
      const found = outcome([rule], "read");
      return Array.isArray(found)
        ? (found as { conditions: unknown[] }[]).map(({ conditions }) => conditions.length)
        : [];
    };
    expect(sizes(on(0, 1))).toEqual([2]);
    expect(sizes(on(0, 0))).toEqual([1, 1]);
    expect(sizes(on(0, 1, 0))).toEqual([1, 1, 1]);
  });

  test("64-bit values are halves; bits outside of a mask don't count", () => {
    const args: SeccompRule["args"] = [
      { index: 2, value: 0x1_0000_000fn, valueTwo: 0x3_0000_00f3n, op: "SCMP_CMP_MASKED_EQ" },
    ];
    expect(outcome([{ ...allow("read"), args }], "read")).toEqual([
      {
        verdict: ALLOW,
        conditions: [{ index: 2, op: "SCMP_CMP_MASKED_EQ", high: 1, low: 3, maskHigh: 1, maskLow: 0xf }],
      },
    ]);
  });
});

test("calls that i386 also makes through socketcall(2): their number is a condition there", () => {
  const args: SeccompRule["args"] = [
    { index: 0, value: 40, op: "SCMP_CMP_NE" },
    { index: 1, value: 5, op: "SCMP_CMP_EQ" },
  ];
  expect(outcome([{ ...allow("socket"), args }], "socketcall", "x86")).toEqual([
    {
      verdict: ALLOW,
      conditions: [
        expect.objectContaining({ index: 0, low: 1 }),
        expect.objectContaining({ index: 1, low: 5 }),
      ],
    },
  ]);
  expect(outcome([allow("shmget")], "ipc", "x86")).toEqual([
    { verdict: ALLOW, conditions: [expect.objectContaining({ index: 0, low: 23 })] },
  ]);
  expect(outcome([allow("socket")], "socket", "x86_64")).toBe(ALLOW);
});

test("what came after the profile gets ENOSYS, unless its default lets it through", () => {
  const of = (arch: Architecture, more: Partial<OciSeccomp> = {}): object[] => {
    const rules = profile([allow("read", "close_range", "nosuchcall")], more);
    return unknownCalls(rulesFor(arch, resolveRules(rules)), rules, 0x3fff_ffff);
  };
  expect(of("x86_64")).toEqual([{ first: 437, last: 0x3fff_ffff }]);
  // ARM's private calls lie far above.
  expect(of("arm")).toEqual([{ first: 437, last: 0xeffff }]);
  expect(of("s390x")[0]).toEqual({ first: 0, last: 0 });
  expect(of("x86_64", { defaultAction: "SCMP_ACT_LOG" })).toEqual([]);
  const none = profile([]);
  expect(unknownCalls(rulesFor("x86_64", resolveRules(none)), none, 1)).toEqual([]);
});

test("a listener can't be asked about what hands it over, in runc's words", () => {
  expect(() => resolveRules({ defaultAction: "SCMP_ACT_NOTIFY" })).toThrow(
    "SCMP_ACT_NOTIFY cannot be used as default action",
  );
  expect(() => resolveRules(profile([{ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" }]))).toThrow(
    "SCMP_ACT_NOTIFY cannot be used for the write syscall",
  );
});

test("ABIs with 32-bit words", () => {
  expect((["x86_64", "x86", "x32", "arm", "aarch64"] as const).map(narrow)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});
