import { describe, expect, test } from "bun:test";
import {
  architectures,
  nativeArch,
  syscallName,
  syscallNumber,
  syscallTable,
  type Architecture,
  X32_SYSCALL_BIT,
} from "./mod.ts";

const all = Object.keys(architectures) as Architecture[];

describe("system-call tables", () => {
  test("hold the numbers of the kernel's headers", () => {
    const samples: [Architecture, string, number][] = [
      ["x86_64", "read", 0],
      ["x86_64", "clone3", 435],
      ["x86_64", "uretprobe", 335],
      ["x86_64", "mseal", 462],
      ["x86", "restart_syscall", 0],
      ["x86", "socketcall", 102],
      ["x86", "socket", 359],
      ["x86", "clock_gettime64", 403],
      ["x32", "read", X32_SYSCALL_BIT],
      ["x32", "rt_sigaction", X32_SYSCALL_BIT + 512],
      ["aarch64", "openat", 56],
      ["aarch64", "setxattrat", 463],
      ["arm", "open", 5],
      ["arm", "set_tls", 0xf0005],
      ["mips", "read", 4003],
      ["mipsel64", "read", 5000],
      ["mips64n32", "read", 6000],
      ["ppc64le", "swapcontext", 249],
      ["s390x", "s390_pci_mmio_read", 353],
      ["s390", "umount", 22],
      ["riscv64", "riscv_flush_icache", 259],
      ["loongarch64", "statx", 291],
    ];
    for (const [arch, name, number] of samples) {
      expect([arch, name, syscallNumber(arch, name)]).toEqual([arch, name, number]);
      expect(syscallName(arch, number)).toBe(name);
    }
  });

  test("know what an architecture does not have", () => {
    expect(syscallNumber("aarch64", "open")).toBeUndefined();
    expect(syscallNumber("arm", "socketcall")).toBeUndefined();
    expect(syscallNumber("x86_64", "")).toBeUndefined();
    expect(syscallName("x86_64", 400)).toBeUndefined();
    expect(syscallName("x32", 0)).toBeUndefined();
  });

  test("give both names of a number, and the kernel's when asked back", () => {
    expect(syscallNumber("arm", "sync_file_range2")).toBe(341);
    expect(syscallNumber("arm", "arm_sync_file_range")).toBe(341);
    expect(syscallName("arm", 341)).toBe("arm_sync_file_range");
  });

  test.each(all)("of %s are whole, sorted and without doubles", (arch) => {
    const table = [...syscallTable(arch)];
    expect(table.length).toBeGreaterThan(280);
    for (const [name, number] of table) {
      expect(name).toMatch(/^[a-z_][a-z0-9_]*$/);
      expect(Number.isSafeInteger(number) && number >= 0 && number <= 0x7fffffff).toBe(true);
    }
    const sorted = table.map(([, number]) => number);
    expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
    for (const name of ["read", "execve", "clone3", "openat2", "landlock_restrict_self"])
      expect(syscallNumber(arch, name)).toBeDefined();
  });
});

describe("architectures", () => {
  test("are named after process.arch", () => {
    expect([nativeArch("x64"), nativeArch("arm64"), nativeArch("loong64")]).toEqual([
      "x86_64",
      "aarch64",
      "loongarch64",
    ]);
    expect(() => nativeArch("vax")).toThrow("the architecture vax is not supported");
    expect(all).toContain(nativeArch());
  });

  test("differ in what the kernel reports, but for x32, which shares x86_64's", () => {
    const audits = all.filter((arch) => arch !== "x32").map((arch) => architectures[arch].audit);
    expect(new Set(audits).size).toBe(audits.length);
    expect(architectures.x32.audit).toBe(architectures.x86_64.audit);
    expect(all.filter((arch) => architectures[arch].bigEndian)).toEqual([
      "mips",
      "mips64",
      "mips64n32",
      "ppc",
      "ppc64",
      "s390",
      "s390x",
    ]);
  });
});
