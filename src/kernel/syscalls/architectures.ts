/**
 * The architectures whose system calls are known, as the kernel's audit and seccomp code tells them apart.
 * @module
 */
import { arch as processArch } from "node:process";
import { failure } from "../../errors/mod.ts";

/** AUDIT_ARCH_* of linux/audit.h: an ELF machine number, with bits for 64-bit, little endian and the MIPS n32 ABI. */
export const AUDIT_ARCH_X86_64 = 0xc000003e;
export const AUDIT_ARCH_I386 = 0x40000003;
export const AUDIT_ARCH_AARCH64 = 0xc00000b7;
export const AUDIT_ARCH_ARM = 0x40000028;
export const AUDIT_ARCH_MIPS = 0x00000008;
export const AUDIT_ARCH_MIPS64 = 0x80000008;
export const AUDIT_ARCH_MIPS64N32 = 0xa0000008;
export const AUDIT_ARCH_MIPSEL = 0x40000008;
export const AUDIT_ARCH_MIPSEL64 = 0xc0000008;
export const AUDIT_ARCH_MIPSEL64N32 = 0xe0000008;
export const AUDIT_ARCH_PPC = 0x00000014;
export const AUDIT_ARCH_PPC64 = 0x80000015;
export const AUDIT_ARCH_PPC64LE = 0xc0000015;
export const AUDIT_ARCH_S390 = 0x00000016;
export const AUDIT_ARCH_S390X = 0x80000016;
export const AUDIT_ARCH_RISCV64 = 0xc00000f3;
export const AUDIT_ARCH_LOONGARCH64 = 0xc0000102;

/** Bit that an x32 process sets in its system-call numbers: x32 and x86_64 share one AUDIT_ARCH (asm/unistd.h). */
export const X32_SYSCALL_BIT = 0x40000000;

/** An ABI with a system-call table of its own. Names are the kernel's, not Docker's (`amd64`) or Node's (`x64`). */
export type Architecture =
  | "x86_64"
  | "x86"
  | "x32"
  | "aarch64"
  | "arm"
  | "mips"
  | "mips64"
  | "mips64n32"
  | "mipsel"
  | "mipsel64"
  | "mipsel64n32"
  | "ppc"
  | "ppc64"
  | "ppc64le"
  | "s390"
  | "s390x"
  | "riscv64"
  | "loongarch64";

/** What a filter on system calls needs to know about an architecture. */
export interface ArchitectureFacts {
  /** AUDIT_ARCH_* value that the kernel reports in `seccomp_data.arch`. */
  readonly audit: number;
  /** Width of a register as seen by the ABI. x32 and n32 run on 64-bit registers but pass 32-bit longs. */
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
}

function facts(audit: number, bits: 32 | 64): ArchitectureFacts {
  return { audit, bits, bigEndian: (audit & 0x40000000) === 0 };
}

/** Facts of each architecture. */
export const architectures: Readonly<Record<Architecture, ArchitectureFacts>> = {
  x86_64: facts(AUDIT_ARCH_X86_64, 64),
  x86: facts(AUDIT_ARCH_I386, 32),
  x32: facts(AUDIT_ARCH_X86_64, 32),
  aarch64: facts(AUDIT_ARCH_AARCH64, 64),
  arm: facts(AUDIT_ARCH_ARM, 32),
  mips: facts(AUDIT_ARCH_MIPS, 32),
  mips64: facts(AUDIT_ARCH_MIPS64, 64),
  mips64n32: facts(AUDIT_ARCH_MIPS64N32, 32),
  mipsel: facts(AUDIT_ARCH_MIPSEL, 32),
  mipsel64: facts(AUDIT_ARCH_MIPSEL64, 64),
  mipsel64n32: facts(AUDIT_ARCH_MIPSEL64N32, 32),
  ppc: facts(AUDIT_ARCH_PPC, 32),
  ppc64: facts(AUDIT_ARCH_PPC64, 64),
  ppc64le: facts(AUDIT_ARCH_PPC64LE, 64),
  s390: facts(AUDIT_ARCH_S390, 32),
  s390x: facts(AUDIT_ARCH_S390X, 64),
  riscv64: facts(AUDIT_ARCH_RISCV64, 64),
  loongarch64: facts(AUDIT_ARCH_LOONGARCH64, 64),
};

const ofNode: Readonly<Record<string, Architecture>> = {
  x64: "x86_64",
  ia32: "x86",
  arm64: "aarch64",
  arm: "arm",
  mips: "mips",
  mipsel: "mipsel",
  ppc: "ppc",
  ppc64: "ppc64le",
  s390: "s390",
  s390x: "s390x",
  riscv64: "riscv64",
  loong64: "loongarch64",
};

/**
 * The architecture that this process runs on.
 * @param name an architecture as `process.arch` spells it
 */
export function nativeArch(name: string = processArch): Architecture {
  const found = ofNode[name];
  if (found === undefined) throw failure("not-implemented", { what: `the architecture ${name}` });
  return found;
}
