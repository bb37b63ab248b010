import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, architectures, syscallTable } from "../../kernel/syscalls/mod.ts";
import type { Instruction } from "./bpf.ts";
import { compileProgram } from "./compile.ts";
import { defaultProfile, defaultProfileGroups } from "./default-profile.ts";
import { verdictName } from "./disassemble.ts";
import { evaluate } from "./evaluate.ts";
import { expand } from "./expand.ts";
import { interpret } from "./interpreter.ts";
import { parseProfile } from "./parse.ts";
import type { SeccompProfile } from "./types.ts";

const kernels = ["4.0", "4.8.0", "5.10.0-30-amd64", "6.18.44"];
const capabilities = [
  ...new Set(
    defaultProfile().syscalls.flatMap(({ includes, excludes }) => [
      ...(includes?.caps ?? []),
      ...(excludes?.caps ?? []),
    ]),
  ),
];
const capabilitySets = [
  [],
  ...capabilities.map((capability) => [capability]),
  ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"],
  capabilities,
];
/** Native architecture → those whose calls it also runs. */
const machines: readonly (readonly [Architecture, readonly Architecture[]])[] = [
  ["x86_64", ["x86_64", "x86", "x32"]],
  ["x86", ["x86"]],
  ["aarch64", ["aarch64", "arm"]],
  ["arm", ["arm"]],
  ["s390x", ["s390x", "s390"]],
  ["ppc64le", ["ppc64le"]],
  ["riscv64", ["riscv64"]],
  ["mips64", ["mips64", "mips", "mips64n32"]],
  ["loongarch64", ["loongarch64"]],
];
/** Arguments on both sides of every condition. */
const argumentSets: bigint[][] = [
  ...[0n, 1n, 8n, 37n, 38n, 39n, 40n, 41n, 0x20000n, 0x20008n, 0x40000n, 0xffffffffn].map((word) => [
    word,
    0n,
  ]),
  ...[0x100000000n, 0x100000026n, 0x2000000n, 0x10000000n, 0x80000000n, 0x11n].map((word) => [word, 0n]),
  [0n, 0x10000000n],
  [0n, 0x20000n],
  [0x7e020000n, 0x11n],
];

function program(
  profile: SeccompProfile,
  arch: Architecture,
  caps: readonly string[],
  kernel: string,
): Instruction[] {
  const expanded = expand(profile, { arch, capabilities: caps, kernel });
  return expanded ? compileProgram(expanded, arch) : [];
}

function verdict(nr: number, args: bigint[], caps: readonly string[] = []): string {
  const call = { nr, arch: architectures.x86_64.audit, args };
  return verdictName(interpret(program(defaultProfile(), "x86_64", caps, "6.18"), call).verdict);
}

describe("the default profile", () => {
  test("refuses what the security corpus asks for", () => {
    const newUser = 0x10000000n;
    expect({
      read: verdict(0, []),
      unshare: verdict(272, [newUser]),
      cloneThread: verdict(56, [0x3d0f00n]),
      cloneUser: verdict(56, [newUser]),
      clone3: verdict(435, []),
      mount: verdict(165, []),
      mountAsAdmin: verdict(165, [], ["CAP_SYS_ADMIN"]),
      keyctl: verdict(250, []),
      bpf: verdict(321, []),
      userfaultfd: verdict(323, []),
      ioUring: verdict(425, []),
      afAlg: verdict(41, [38n]),
      afVsock: verdict(41, [40n]),
      unix: verdict(41, [1n]),
      newerThanUs: verdict(600, []),
    }).toEqual({
      read: "ALLOW",
      unshare: "ERRNO(1)",
      cloneThread: "ALLOW",
      cloneUser: "ERRNO(1)",
      clone3: "ERRNO(38)",
      mount: "ERRNO(1)",
      mountAsAdmin: "ALLOW",
      keyctl: "ERRNO(1)",
      bpf: "ERRNO(1)",
      userfaultfd: "ERRNO(1)",
      ioUring: "ERRNO(1)",
      afAlg: "ERRNO(1)",
      afVsock: "ERRNO(1)",
      unix: "ALLOW",
      newerThanUs: "ERRNO(38)",
    });
  });

  test("names only calls that exist, none twice in a group, and says why", () => {
    const known = new Set(
      (Object.keys(architectures) as Architecture[]).flatMap((arch) => [...syscallTable(arch).keys()]),
    );
    for (const { why, calls } of defaultProfileGroups) {
      const names = calls.trim().split(/\s+/);
      expect(names.filter((name) => !known.has(name))).toEqual([]);
      expect(new Set(names).size).toBe(names.length);
      expect(why.length).toBeGreaterThan(10);
    }
  });

  test("compiles to what it says", () => {
    const expanded = expand(defaultProfile(), {
      arch: "x86_64",
      capabilities: ["CAP_SYS_CHROOT"],
      kernel: "6.18",
    });
    if (expanded === undefined) throw new TypeError("the default profile is off");
    const filter = compileProgram(expanded, "x86_64");
    for (const arch of ["x86_64", "x86", "x32"] as const) {
      for (const nr of [...syscallTable(arch).values()].filter((_, i) => i % 5 === 0)) {
        const call = { nr, arch: architectures[arch].audit, args: [39n, 0n] };
        expect(interpret(filter, call).verdict).toBe(evaluate(expanded, "x86_64", call));
      }
    }
  });

  test("needs few instructions for any call", () => {
    const filter = program(defaultProfile(), "x86_64", [], "6.18");
    const steps = [...syscallTable("x86_64").values()].map(
      (nr) => interpret(filter, { nr, arch: architectures.x86_64.audit, args: [] }).steps,
    );
    expect(Math.max(...steps)).toBeLessThanOrEqual(20);
    expect(filter.length).toBeLessThan(500);
  });
});

const reference = join(import.meta.dir, "../../../../shared/reference/data/seccomp-default.json");

// Docker's own file is not ours to keep in the repository.
describe.skipIf(!existsSync(reference))(
  "against Docker's default profile (skipped where ../shared is absent)",
  () => {
    const theirs = existsSync(reference) ? parseProfile(readFileSync(reference, "utf8")) : defaultProfile();

    test.each(machines)(
      "the verdicts on %s are the same",
      (native, runs) => {
        const { bigEndian } = architectures[native];
        const compared = new Set<string>();
        for (const kernel of kernels) {
          for (const caps of capabilitySets) {
            const [ours, docker] = [defaultProfile(), theirs].map((profile) =>
              program(profile, native, caps, kernel),
            );
            if (ours === undefined || docker === undefined) continue;
            // Equal programs have equal verdicts, and the same pair needs no second look.
            const key = JSON.stringify([ours, docker]);
            if (compared.has(key)) continue;
            compared.add(key);
            for (const arch of runs) {
              const { audit } = architectures[arch];
              for (const [name, nr] of [
                ...syscallTable(arch),
                ["unknown", 5000],
                ["minus one", 0xffffffff],
              ] as const) {
                const byArguments = ["socket", "personality", "clone"].includes(name);
                for (const args of byArguments ? argumentSets : [[]]) {
                  const call = { nr, arch: audit, args };
                  const [a, b] = [interpret(ours, call, bigEndian), interpret(docker, call, bigEndian)];
                  if (a.verdict !== b.verdict)
                    expect([name, caps, kernel, verdictName(a.verdict)]).toEqual([
                      name,
                      caps,
                      kernel,
                      verdictName(b.verdict),
                    ]);
                }
              }
            }
          }
        }
        expect(compared.size).toBeGreaterThan(10);
      },
      120_000,
    );
  },
);
