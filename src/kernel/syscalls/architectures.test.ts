import { expect, test } from "bun:test";
import { architectures, nativeArch } from "./architectures.ts";

/** elf.h's machine numbers; linux/audit.h adds a bit for 64-bit and one for little endian. */
test.each([
  ["x86_64", 62, 64, false],
  ["x86", 3, 32, false],
  ["aarch64", 183, 64, false],
  ["arm", 40, 32, false],
  ["mips", 8, 32, true],
  ["mipsel64", 8, 64, false],
  ["ppc64", 21, 64, true],
  ["ppc64le", 21, 64, false],
  ["s390", 22, 32, true],
  ["s390x", 22, 64, true],
  ["riscv64", 243, 64, false],
  ["loongarch64", 258, 64, false],
] as const)("%s", (name, machine, bits, bigEndian) => {
  const { audit, ...facts } = architectures[name];
  expect(facts).toEqual({ bits, bigEndian });
  expect(audit).toBe((machine | (bits === 64 ? 0x8000_0000 : 0) | (bigEndian ? 0 : 0x4000_0000)) >>> 0);
});

test("ABIs with 32-bit words on 64-bit registers say so by another bit, or not at all", () => {
  expect(architectures.x32).toEqual({ ...architectures.x86_64, bits: 32 });
  expect(architectures.mips64n32.audit).toBe(architectures.mips64.audit + 0x2000_0000);
});

test("Node's names", () => {
  expect(["x64", "ia32", "arm64", "ppc64", "loong64"].map(nativeArch)).toEqual([
    "x86_64",
    "x86",
    "aarch64",
    "ppc64le",
    "loongarch64",
  ]);
  expect(() => nativeArch("vax")).toThrow("the architecture vax");
});
