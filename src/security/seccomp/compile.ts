/**
 * Compiles a seccomp profile to the BPF program that the kernel runs before every system call.
 *
 * Each architecture gets a section: its system-call numbers are cut into ranges with one outcome, found by a balanced
 * tree of comparisons (7 or 8 for Docker's default), and the few outcomes that look at arguments follow. Anything that
 * depends on the number alone never looks at arguments, so that the kernel (5.11 or newer) can decide it without
 * running the program at all (its cache of always allowed calls).
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { type Architecture, architectures, X32_SYSCALL_BIT } from "../../kernel/syscalls/mod.ts";
import { Assembler, type Target } from "./assembler.ts";
import {
  DATA_ARCH,
  DATA_NR,
  encode,
  type Instruction,
  JUMP_EQ,
  JUMP_GE,
  MAX_INSTRUCTIONS,
  RET_KILL_THREAD,
} from "./bpf.ts";
import { emitConditions } from "./conditions.ts";
import { ociArchitecture } from "./expand.ts";
import {
  type ArchitectureRules,
  narrow,
  type Outcome,
  resolveRules,
  rulesFor,
  unknownCalls,
  verdictNoSuchCall,
  verdictOf,
} from "./rules.ts";
import type { OciSeccomp, SeccompFlag } from "./types.ts";

/** A filter ready for seccomp(2). */
export interface CompiledSeccomp {
  /** `struct sock_filter[]` in the byte order of the architecture. */
  readonly filter: Uint8Array;
  /** SECCOMP_FILTER_FLAG_* for the call. */
  readonly flags: number;
  /** Whether the call returns a descriptor for user notifications. */
  readonly listener: boolean;
  /** Number of instructions. */
  readonly instructions: number;
}

const flagBits: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};
const flagNewListener = 8;
const flagTsyncEsrch = 16;

/**
 * Compiles `profile` for processes started on `arch`. Pure: the same profile gives the same bytes.
 *
 * As with libseccomp, the native architecture is always among those that the filter knows, and every other that the
 * profile doesn't list is killed (KILL_THREAD).
 * @throws invalid-parameter if the program would be longer than the kernel takes, or for a forbidden use of NOTIFY
 */
export function compileSeccomp(
  profile: OciSeccomp,
  { arch }: { readonly arch: Architecture },
): CompiledSeccomp {
  const program = compileProgram(profile, arch);
  if (program.length > MAX_INSTRUCTIONS) {
    throw failure("invalid-parameter", {
      message: `the seccomp profile needs ${program.length} BPF instructions, the kernel takes at most ${MAX_INSTRUCTIONS}`,
    });
  }
  const listener = (profile.syscalls ?? []).some(({ action }) => action === "SCMP_ACT_NOTIFY");
  return {
    filter: encode(program, architectures[arch].bigEndian),
    flags: flagsOf(profile, listener),
    listener,
    instructions: program.length,
  };
}

function flagsOf(profile: OciSeccomp, listener: boolean): number {
  // Like runc and crun, a profile that says nothing about flags doesn't ask for the speculative-store mitigation.
  const flags = profile.flags ?? ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];
  let bits = flags.reduce((sum, flag) => sum | flagBits[flag], 0);
  // The kernel refuses to wait for a listener that isn't there.
  if (!listener) return bits & ~flagBits.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  bits |= flagNewListener;
  // Both flags return something; with both the kernel wants this one to know that TSYNC's failure is an errno.
  return bits & flagBits.SECCOMP_FILTER_FLAG_TSYNC ? bits | flagTsyncEsrch : bits;
}

/** The instructions of `profile`; {@link compileSeccomp} checks and encodes them. */
export function compileProgram(profile: OciSeccomp, native: Architecture): Instruction[] {
  const resolved = resolveRules(profile);
  const listed = (Object.keys(architectures) as Architecture[]).filter(
    (arch) => arch !== native && (profile.architectures ?? []).includes(ociArchitecture(arch)),
  );
  // x32 and x86_64 look the same in seccomp_data.arch and share a section, so they must come together.
  const audits = new Map<number, ArchitectureRules[]>();
  for (const arch of [native, ...listed]) {
    const { audit } = architectures[arch];
    audits.set(audit, [...(audits.get(audit) ?? []), rulesFor(arch, resolved)]);
  }
  const assembler = new Assembler();
  let dispatch: Target = { verdict: RET_KILL_THREAD };
  const sections = [...audits].toReversed().map(([audit, members]) => {
    const tree = emitTree(assembler, rangesOf(members, profile), profile, native);
    return { audit, entry: assembler.load(DATA_NR, tree) };
  });
  // The native architecture was written last and is asked for first.
  for (const { audit, entry } of sections) dispatch = assembler.jumpIf(JUMP_EQ, audit, entry, dispatch);
  assembler.load(DATA_ARCH, dispatch);
  return assembler.program;
}

/** System-call numbers from `first` on, up to the next range. */
interface Range {
  readonly first: number;
  readonly outcome: Outcome;
  readonly arch: Architecture;
}

const highestNumber = 0xffffffff;

function rangesOf(members: readonly ArchitectureRules[], profile: OciSeccomp): Range[] {
  const fallback = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  const ranges: Range[] = [];
  const add = (first: number, outcome: Outcome, arch: Architecture): void => {
    if (ranges.at(-1)?.outcome !== outcome) ranges.push({ first, outcome, arch });
  };
  const cover = (rules: ArchitectureRules, first: number, last: number): void => {
    const { arch, outcomes } = rules;
    const unknown = unknownCalls(rules, profile, last);
    const edges = unknown.flatMap((range) => [range.first, range.last + 1]);
    const unnamed = (from: number, to: number): void => {
      for (const start of [from, ...edges.filter((edge) => edge > from && edge <= to)]) {
        const isNew = unknown.some((range) => start >= range.first && start <= range.last);
        add(start, isNew ? verdictNoSuchCall : fallback, arch);
      }
    };
    let next = first;
    for (const number of Uint32Array.from(outcomes.keys()).sort()) {
      if (number > next) unnamed(next, number - 1);
      add(number, outcomes.get(number) ?? fallback, arch);
      next = number + 1;
    }
    if (next <= last) unnamed(next, last);
  };
  const x32 = members.find(({ arch }) => arch === "x32");
  for (const rules of members) {
    if (rules.arch === "x32") continue;
    cover(rules, 0, rules.arch === "x86_64" ? X32_SYSCALL_BIT - 1 : highestNumber);
    if (rules.arch !== "x86_64" || x32 !== undefined) continue;
    // Without x32 its numbers are another architecture's. -1 is no number but a call that a tracer took back.
    add(X32_SYSCALL_BIT, RET_KILL_THREAD, rules.arch);
    add(highestNumber, fallback, rules.arch);
  }
  if (x32 !== undefined) {
    if (members.length === 1) add(0, RET_KILL_THREAD, "x32");
    cover(x32, X32_SYSCALL_BIT, highestNumber);
  }
  return ranges;
}

/** Writes the tree that finds a number's range, and behind it the outcomes that look at arguments. */
function emitTree(
  assembler: Assembler,
  ranges: readonly Range[],
  profile: OciSeccomp,
  native: Architecture,
): Target {
  const fallback: Target = { verdict: verdictOf(profile.defaultAction, profile.defaultErrnoRet) };
  const written = new Map<string, Target>();
  const targets = ranges.map(({ outcome, arch }): Target => {
    if (typeof outcome === "number") return { verdict: outcome };
    const form = { narrow: narrow(arch), bigEndian: architectures[native].bigEndian };
    const key = JSON.stringify([outcome, form.narrow]);
    const known = written.get(key);
    if (known !== undefined) return known;
    const target = emitConditions(assembler, outcome, fallback, form);
    written.set(key, target);
    return target;
  });
  const first = (i: number): number => ranges[i]?.first ?? highestNumber;
  const target = (i: number): Target => targets[i] ?? fallback;
  const search = (from: number, to: number): Target => {
    if (to - from === 1) return target(from);
    const middle = from + 1;
    // One number between two ranges of the same outcome is the commonest case: one comparison instead of two.
    if (to - from === 3 && first(middle) + 1 === first(middle + 1) && alike(target(from), target(middle + 1)))
      return assembler.jumpIf(JUMP_EQ, first(middle), target(middle), target(from));
    const half = (from + to) >>> 1;
    const right = search(half, to);
    const left = search(from, half);
    return assembler.jumpIf(JUMP_GE, first(half), right, left);
  };
  return search(0, ranges.length);
}

function alike(a: Target, b: Target): boolean {
  return "verdict" in a && "verdict" in b && a.verdict === b.verdict;
}
