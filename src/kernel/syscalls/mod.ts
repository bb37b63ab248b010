/**
 * System-call numbers per architecture, from the kernel's own headers (Linux 7.2; tools/generate-syscalls.sh).
 *
 * A table is one string: names in the order of their numbers, a number wherever the count jumps, `a=b` where two
 * names share a number. It is split when it is first asked for, so that loading this module costs nothing.
 * @module
 */
import type { Architecture } from "./architectures.ts";
import { aarch64 } from "./tables/aarch64.ts";
import { arm } from "./tables/arm.ts";
import { loongarch64 } from "./tables/loongarch64.ts";
import { mips } from "./tables/mips.ts";
import { mips64 } from "./tables/mips64.ts";
import { mips64n32 } from "./tables/mips64n32.ts";
import { ppc } from "./tables/ppc.ts";
import { ppc64 } from "./tables/ppc64.ts";
import { riscv64 } from "./tables/riscv64.ts";
import { s390 } from "./tables/s390.ts";
import { s390x } from "./tables/s390x.ts";
import { x32 } from "./tables/x32.ts";
import { x86 } from "./tables/x86.ts";
import { x86_64 } from "./tables/x86_64.ts";

export * from "./architectures.ts";

const texts: Readonly<Record<Architecture, string>> = {
  x86_64,
  x86,
  x32,
  aarch64,
  arm,
  mips,
  mips64,
  mips64n32,
  mipsel: mips,
  mipsel64: mips64,
  mipsel64n32: mips64n32,
  ppc,
  ppc64,
  ppc64le: ppc64,
  s390,
  s390x,
  riscv64,
  loongarch64,
};

const numbers = new Map<string, ReadonlyMap<string, number>>();
const names = new Map<string, ReadonlyMap<number, string>>();

/** Number of every system call of `arch` by name, in the order of the numbers. x32 numbers include their bit. */
export function syscallTable(arch: Architecture): ReadonlyMap<string, number> {
  const text = texts[arch];
  const known = numbers.get(text);
  if (known !== undefined) return known;
  const table = parse(text);
  numbers.set(text, table);
  return table;
}

/** Number of the system call `name` on `arch`; undefined where that architecture has no such call. */
export function syscallNumber(arch: Architecture, name: string): number | undefined {
  return syscallTable(arch).get(name);
}

/** Name of the system call `nr` on `arch`; undefined where the number is not in use. */
export function syscallName(arch: Architecture, nr: number): string | undefined {
  const text = texts[arch];
  let table = names.get(text);
  if (table === undefined) {
    const inverse = new Map<number, string>();
    // The first name of a number is the kernel's, any further one an alias.
    for (const [name, number] of syscallTable(arch)) if (!inverse.has(number)) inverse.set(number, name);
    names.set(text, (table = inverse));
  }
  return table.get(nr);
}

function parse(text: string): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  let number = 0;
  for (const word of text.trim().replaceAll("\n", " ").split(" ")) {
    const first = word.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) number = Number(word);
    else if (word.includes("=")) {
      for (const name of word.split("=")) table.set(name, number);
      number++;
    } else table.set(word, number++);
  }
  return table;
}
