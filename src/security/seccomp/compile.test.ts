import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Architecture, architectures, syscallNumber, syscallTable } from "../../kernel/syscalls/mod.ts";
import { decode, MAX_INSTRUCTIONS } from "./bpf.ts";
import { compileProgram, compileSeccomp } from "./compile.ts";
import { verdictName } from "./disassemble.ts";
import { evaluate } from "./evaluate.ts";
import { interpret, type SystemCall } from "./interpreter.ts";
import {
  type OciSeccomp,
  type SeccompAction,
  seccompActions,
  seccompArchitectures,
  type SeccompArgument,
  seccompOperators,
  type SeccompRule,
} from "./types.ts";

const deny = { defaultAction: "SCMP_ACT_ERRNO" } as const;

function verdict(
  profile: OciSeccomp,
  name: string | number,
  args: bigint[] = [],
  arch: Architecture = "x86_64",
): string {
  const nr = typeof name === "number" ? name : (syscallNumber(arch, name) ?? -1);
  const program = compileProgram(profile, "x86_64");
  return verdictName(interpret(program, { nr, arch: architectures[arch].audit, args }).verdict);
}

describe("verdicts", () => {
  test.each([
    ["SCMP_ACT_KILL", undefined, "KILL_THREAD", 0],
    ["SCMP_ACT_KILL_THREAD", undefined, "KILL_THREAD", 0],
    ["SCMP_ACT_KILL_PROCESS", undefined, "KILL_PROCESS", 0x80000000],
    ["SCMP_ACT_TRAP", undefined, "TRAP", 0x30000],
    ["SCMP_ACT_ERRNO", undefined, "ERRNO(1)", 0x50001],
    ["SCMP_ACT_ERRNO", 38, "ERRNO(38)", 0x50026],
    ["SCMP_ACT_TRACE", 7, "TRACE(7)", 0x7ff00007],
    ["SCMP_ACT_LOG", undefined, "LOG", 0x7ffc0000],
    ["SCMP_ACT_NOTIFY", undefined, "NOTIFY", 0x7fc00000],
  ] as const)("%s %p", (action, errnoRet, name, value) => {
    const profile: OciSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["getcwd"], action, errnoRet }],
    };
    expect(verdict(profile, "getcwd")).toBe(name);
    expect(verdict(profile, "read")).toBe("ALLOW");
    expect(interpret(compileProgram(profile, "x86_64"), { nr: 79, arch: 0xc000003e, args: [] }).verdict).toBe(
      value,
    );
  });

  test("other architectures are killed, the native one and those listed are not", () => {
    const profile: OciSeccomp = {
      ...deny,
      architectures: ["SCMP_ARCH_X86"],
      syscalls: [{ names: ["read", "write"], action: "SCMP_ACT_ALLOW" }],
    };
    expect(verdict(profile, "read")).toBe("ALLOW");
    expect(verdict(profile, "read", [], "x86")).toBe("ALLOW");
    expect(verdict(profile, "read", [], "aarch64")).toBe("KILL_THREAD");
    expect(verdict(profile, "read", [], "x32")).toBe("KILL_THREAD");
    expect(verdict(profile, 0xffffffff)).toBe("ERRNO(1)");
    expect(verdict({ ...profile, architectures: ["SCMP_ARCH_X32"] }, "read", [], "x32")).toBe("ALLOW");
    expect(verdict({ ...profile, architectures: ["SCMP_ARCH_X32"] }, "open", [], "x32")).toBe("ERRNO(38)");
  });

  test("calls newer than the profile fail with ENOSYS", () => {
    const profile: OciSeccomp = {
      ...deny,
      syscalls: [{ names: ["read", "openat2"], action: "SCMP_ACT_ALLOW" }],
    };
    expect([436, 437, 438, 100000].map((nr) => verdict(profile, nr))).toEqual([
      "ERRNO(1)",
      "ALLOW",
      "ERRNO(38)",
      "ERRNO(38)",
    ]);
    expect(verdict({ ...profile, defaultAction: "SCMP_ACT_LOG" }, 438)).toBe("LOG");
    expect(verdict({ ...profile, syscalls: [] }, 438)).toBe("ERRNO(1)");
  });

  test("on arm they do so below its private calls, on s390x also as call 0", () => {
    const names = ["read", "set_tls"];
    const rules: OciSeccomp = { ...deny, syscalls: [{ names, action: "SCMP_ACT_ALLOW" }] };
    const run = (arch: Architecture, nr: number): string =>
      verdictName(
        interpret(
          compileProgram(rules, arch),
          { nr, arch: architectures[arch].audit, args: [] },
          architectures[arch].bigEndian,
        ).verdict,
      );
    expect([2, 3, 4, 0xf0001, 0xf0005].map((nr) => run("arm", nr))).toEqual([
      "ERRNO(1)",
      "ALLOW",
      "ERRNO(38)",
      "ERRNO(1)",
      "ALLOW",
    ]);
    expect([0, 2, 3, 4].map((nr) => run("s390x", nr))).toEqual([
      "ERRNO(38)",
      "ERRNO(1)",
      "ALLOW",
      "ERRNO(38)",
    ]);
  });

  test("a rule without arguments beats those with, a rule that repeats the default counts for nothing", () => {
    const args: SeccompArgument[] = [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }];
    const rule = (action: SeccompAction, errnoRet?: number, when?: SeccompArgument[]): SeccompRule => ({
      names: ["close"],
      action,
      errnoRet,
      args: when,
    });
    const first: OciSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [rule("SCMP_ACT_ERRNO", 5, args), rule("SCMP_ACT_ERRNO", 7), rule("SCMP_ACT_ERRNO", 9)],
    };
    expect(verdict(first, "close", [1n])).toBe("ERRNO(7)");
    const second: OciSeccomp = {
      ...deny,
      syscalls: [rule("SCMP_ACT_ERRNO", 1), rule("SCMP_ACT_LOG", undefined, args)],
    };
    expect(verdict(second, "close", [1n])).toBe("LOG");
    expect(verdict(second, "close", [2n])).toBe("ERRNO(1)");
  });

  test("all arguments of a rule must hold, but two conditions on one argument are alternatives", () => {
    const profile = (args: SeccompArgument[]): OciSeccomp => ({
      ...deny,
      syscalls: [{ names: ["prctl"], action: "SCMP_ACT_ALLOW", args }],
    });
    const both = profile([
      { index: 0, value: 4, op: "SCMP_CMP_EQ" },
      { index: 1, value: 0x100000000n, op: "SCMP_CMP_GE" },
    ]);
    expect([
      verdict(both, "prctl", [4n, 0x100000000n]),
      verdict(both, "prctl", [4n, 0xffffffffn]),
      verdict(both, "prctl", [5n, 0x100000000n]),
    ]).toEqual(["ALLOW", "ERRNO(1)", "ERRNO(1)"]);
    const either = profile([
      { index: 0, value: 4, op: "SCMP_CMP_EQ" },
      { index: 0, value: 9, op: "SCMP_CMP_EQ" },
    ]);
    expect([4n, 9n, 5n].map((arg) => verdict(either, "prctl", [arg]))).toEqual([
      "ALLOW",
      "ALLOW",
      "ERRNO(1)",
    ]);
  });

  test("a 32-bit ABI's socket calls are also met inside socketcall", () => {
    const profile: OciSeccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86"],
      syscalls: [
        {
          names: ["socket"],
          action: "SCMP_ACT_ERRNO",
          args: [{ index: 0, value: 38, op: "SCMP_CMP_EQ" }],
        },
      ],
    };
    expect(verdict(profile, "socket", [38n], "x86")).toBe("ERRNO(1)");
    expect(verdict(profile, "socket", [2n], "x86")).toBe("ALLOW");
    expect(verdict(profile, "socketcall", [1n], "x86")).toBe("ERRNO(1)");
    expect(verdict(profile, "socketcall", [2n], "x86")).toBe("ALLOW");
  });
});

describe("properties", () => {
  const archs: Architecture[] = ["x86_64", "x86", "x32", "aarch64", "arm", "s390x", "mips64", "mipsel64n32"];
  const pool =
    `read open close socket recv accept4 socketcall ipc semop shmctl clone chown32 rt_sigaction mseal setxattrat
    set_tls breakpoint sync_file_range2 no_such_call getcwd`.split(/\s+/);
  const words = fc.oneof(
    fc.constantFrom(0n, 1n, 38n, 0xffffffffn, 0x100000000n, 0x1ffffffffn, 2n ** 63n, 2n ** 64n - 1n),
    fc.bigInt({ min: 0n, max: 40n }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  );
  const arg: fc.Arbitrary<SeccompArgument> = fc.record({
    index: fc.nat(5),
    value: words,
    valueTwo: words,
    op: fc.constantFrom(...seccompOperators),
  });
  const rule: fc.Arbitrary<SeccompRule> = fc.record({
    names: fc.subarray(pool, { minLength: 1, maxLength: 5 }),
    action: fc.constantFrom(...seccompActions),
    errnoRet: fc.option(fc.nat(4095), { nil: undefined }),
    args: fc.option(fc.array(arg, { maxLength: 3 }), { nil: undefined }),
  });
  const profile: fc.Arbitrary<OciSeccomp> = fc.record({
    defaultAction: fc.constantFrom(...seccompActions.filter((action) => action !== "SCMP_ACT_NOTIFY")),
    defaultErrnoRet: fc.option(fc.nat(4095), { nil: undefined }),
    architectures: fc.subarray([...seccompArchitectures], { maxLength: 4 }),
    syscalls: fc.array(rule, { maxLength: 12 }),
  });
  const call = (given: OciSeccomp): fc.Arbitrary<SystemCall> => {
    const compared = (given.syscalls ?? []).flatMap(({ args = [] }) =>
      args.flatMap(({ value, valueTwo }) => [BigInt(value), BigInt(valueTwo ?? 0)]),
    );
    const near = compared
      .flatMap((word) => [word - 1n, word, word + 1n])
      .filter((word) => word >= 0n && word < 2n ** 64n);
    const word = near.length === 0 ? words : fc.oneof(fc.constantFrom(...near), words);
    return fc.constantFrom(...archs).chain((arch) => {
      const numbers = pool.map((name) => syscallNumber(arch, name)).filter((nr) => nr !== undefined);
      return fc.record({
        arch: fc.constant(architectures[arch].audit),
        nr: fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...numbers) },
          fc.constantFrom(...numbers.map((nr) => nr + 1)),
          fc.nat(700),
          fc.constantFrom(0x3fffffff, 0x40000000, 0xf0000, 0x7fffffff, 0xffffffff),
        ),
        args: fc.array(word, { minLength: 6, maxLength: 6 }),
      });
    });
  };

  test("the filter decides as the profile reads", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...archs.filter((arch) => arch !== "x32")),
        profile.chain((given) =>
          fc.tuple(fc.constant(given), fc.array(call(given), { minLength: 25, maxLength: 25 })),
        ),
        (native, [given, calls]) => {
          // One filter serves machines of one byte order only.
          const { bigEndian } = architectures[native];
          const program = compileProgram(given, native);
          for (const each of calls) {
            const { verdict: got } = interpret(program, each, bigEndian);
            expect(verdictName(got)).toBe(verdictName(evaluate(given, native, each)));
          }
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);

  test("jumps are right however far they go", () => {
    const names = [...syscallTable("x86_64").keys()];
    const syscalls = names.map((name, i): SeccompRule => {
      const args: SeccompArgument[] = [
        { index: i % 6, value: i * 3, op: "SCMP_CMP_EQ" },
        { index: (i + 1) % 6, value: 0xf0fn, valueTwo: 5n, op: "SCMP_CMP_MASKED_EQ" },
      ];
      return {
        names: [name],
        action: "SCMP_ACT_ERRNO",
        errnoRet: (i * 7) % 4096,
        args: i % 3 === 0 ? undefined : args,
      };
    });
    const given: OciSeccomp = { defaultAction: "SCMP_ACT_TRAP", architectures: ["SCMP_ARCH_X86"], syscalls };
    const program = compileProgram(given, "x86_64");
    expect(program.length).toBeGreaterThan(2000);
    for (const [i, name] of names.entries()) {
      for (const [hit, arch] of [
        [true, "x86_64"],
        [false, "x86_64"],
        [true, "x86"],
      ] as const) {
        const args = [0n, 0n, 0n, 0n, 0n, 0n];
        args[i % 6] = BigInt(i * 3);
        args[(i + 1) % 6] = hit ? 5n : 6n;
        const each = { nr: syscallNumber(arch, name) ?? 9999, arch: architectures[arch].audit, args };
        expect(interpret(program, each).verdict).toBe(evaluate(given, "x86_64", each));
      }
    }
  });
});

describe("compileSeccomp", () => {
  test("encodes in the byte order of the architecture", () => {
    const { filter, instructions } = compileSeccomp(deny, { arch: "x86_64" });
    expect(filter.length).toBe(instructions * 8);
    expect(Array.from(filter.subarray(0, 8))).toEqual([0x20, 0, 0, 0, 4, 0, 0, 0]);
    const big = compileSeccomp(deny, { arch: "s390x" }).filter;
    expect(Array.from(big.subarray(0, 8))).toEqual([0, 0x20, 0, 0, 0, 0, 0, 4]);
    expect(decode(big, true)).toEqual(compileProgram(deny, "s390x"));
  });

  test("is pure", () => {
    const profile: OciSeccomp = { ...deny, syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }] };
    const [a, b] = [compileSeccomp(profile, { arch: "x86_64" }), compileSeccomp(profile, { arch: "x86_64" })];
    expect(a).toEqual(b);
  });

  test("gives the flags of the call", () => {
    const flags = (profile: Partial<OciSeccomp>): number =>
      compileSeccomp({ ...deny, ...profile }, { arch: "x86_64" }).flags;
    const notify: SeccompRule[] = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }];
    expect(flags({})).toBe(4);
    expect(flags({ flags: [] })).toBe(0);
    expect(flags({ flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"] })).toBe(3);
    expect(flags({ flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] })).toBe(0);
    expect(flags({ flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], syscalls: notify })).toBe(40);
    expect(flags({ flags: ["SECCOMP_FILTER_FLAG_TSYNC"], syscalls: notify })).toBe(1 + 8 + 16);
    expect(compileSeccomp({ ...deny, syscalls: notify }, { arch: "x86_64" }).listener).toBe(true);
  });

  test("refuses NOTIFY where nobody could answer", () => {
    expect(() => compileSeccomp({ defaultAction: "SCMP_ACT_NOTIFY" }, { arch: "x86_64" })).toThrow(
      "SCMP_ACT_NOTIFY cannot be used as default action",
    );
    expect(() =>
      compileSeccomp(
        { ...deny, syscalls: [{ names: ["write"], action: "SCMP_ACT_NOTIFY" }] },
        { arch: "x86_64" },
      ),
    ).toThrow("SCMP_ACT_NOTIFY cannot be used for the write syscall");
  });

  test("says when a profile is too long for the kernel", () => {
    const syscalls = Array.from({ length: 3000 }, (_, i): SeccompRule => {
      return {
        names: ["ioctl"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 1, value: i, op: "SCMP_CMP_EQ" }],
      };
    });
    expect(() => compileSeccomp({ ...deny, syscalls }, { arch: "x86_64" })).toThrow(
      /^the seccomp profile needs \d+ BPF instructions, the kernel takes at most 4096$/,
    );
    expect(MAX_INSTRUCTIONS).toBe(4096);
  });
});
