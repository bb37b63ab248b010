import { expect, test } from "bun:test";
import { encode, RETURN } from "./bpf.ts";
import { compileSeccomp } from "./compile.ts";
import { disassemble, verdictName } from "./disassemble.ts";

test("a filter reads like a program", () => {
  const { filter } = compileSeccomp(
    {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        {
          names: ["socket"],
          action: "SCMP_ACT_ERRNO",
          errnoRet: 97,
          args: [{ index: 0, value: 0xff, valueTwo: 40, op: "SCMP_CMP_MASKED_EQ" }],
        },
      ],
    },
    { arch: "x86_64" },
  );
  expect(disassemble(filter)).toEqual([
    "0000: load architecture",
    "0001: if == 0xc000003e (x86_64/x32) goto 0002 else 0007",
    "0002: load system call",
    "0003: if >= 42 goto 0005 else 0004",
    "0004: if >= 41 goto 0008 else 0011",
    "0005: if >= 0x40000000 goto 0006 else 0011",
    "0006: if >= 0xffffffff goto 0011 else 0007",
    "0007: return KILL_THREAD",
    "0008: load arg0.low",
    "0009: and 0xff",
    "0010: if == 0x28 goto 0012 else 0011",
    "0011: return ALLOW",
    "0012: return ERRNO(97)",
  ]);
});

test("every verdict has a name", () => {
  expect(
    [0x80000000, 0, 0x30000, 0x50026, 0x7fc00000, 0x7ff00001, 0x7ffc0000, 0x7fff0000, 0x12340000].map(
      verdictName,
    ),
  ).toEqual([
    "KILL_PROCESS",
    "KILL_THREAD",
    "TRAP",
    "ERRNO(38)",
    "NOTIFY",
    "TRACE(1)",
    "LOG",
    "ALLOW",
    "0x12340000",
  ]);
});

test("what is no instruction of ours is shown raw", () => {
  expect(disassemble(encode([{ code: 0x87, jt: 1, jf: 2, k: 3 }]))).toEqual([
    "0000: unknown code=0x87 jt=1 jf=2 k=0x3",
  ]);
  expect(disassemble(encode([{ code: RETURN, jt: 0, jf: 0, k: 0x7fff0000 }], true), true)).toEqual([
    "0000: return ALLOW",
  ]);
});
