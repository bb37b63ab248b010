/**
 * Resolves a profile for one architecture: what happens to each system-call number. Follows libseccomp 2.5 where the
 * OCI specification is silent, because every profile in use was tried against it.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import { type Architecture, architectures, syscallTable } from "../../kernel/syscalls/mod.ts";
import {
  RET_ALLOW,
  RET_ERRNO,
  RET_KILL_PROCESS,
  RET_KILL_THREAD,
  RET_LOG,
  RET_TRACE,
  RET_TRAP,
  RET_USER_NOTIF,
} from "./bpf.ts";
import type { OciSeccomp, SeccompAction, SeccompArgument, SeccompOperator, Word } from "./types.ts";

/** A condition on one argument, in 32-bit halves. */
export interface Condition {
  readonly index: number;
  readonly op: SeccompOperator;
  readonly high: number;
  readonly low: number;
  /** For MASKED_EQ; all ones otherwise. */
  readonly maskHigh: number;
  readonly maskLow: number;
}

/** A verdict that is reached when all conditions hold. */
export interface ConditionalRule {
  readonly conditions: readonly Condition[];
  readonly verdict: number;
}

/** Rules of one system call in order; the first that holds decides, none means the profile's default. */
export type Outcome = number | readonly ConditionalRule[];

/** A profile resolved for one architecture. */
export interface ArchitectureRules {
  readonly arch: Architecture;
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** Highest number that the profile names, the newest call that its author thought of; undefined if it names none. */
  readonly newest: number | undefined;
}

/** A rule with its arguments checked and its verdict computed. */
export interface ResolvedRule {
  readonly names: readonly string[];
  /** Undefined for a rule that only repeats the default: its names are known, but it decides nothing. */
  readonly verdict: number | undefined;
  /** Sets of conditions, any of which suffices; undefined for an unconditional rule. */
  readonly alternatives: readonly (readonly Condition[])[] | undefined;
}

/** ARM's private calls, far above the numbers that new system calls get. */
const armPrivate = 0xf0000;
const eperm = 1;
const enosys = 38;

/** `ret` value for the calls that the kernel doesn't have. */
export const verdictNoSuchCall: number = RET_ERRNO | enosys;

const bases: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: RET_KILL_PROCESS,
  SCMP_ACT_TRAP: RET_TRAP,
  SCMP_ACT_ERRNO: RET_ERRNO,
  SCMP_ACT_TRACE: RET_TRACE,
  SCMP_ACT_ALLOW: RET_ALLOW,
  SCMP_ACT_LOG: RET_LOG,
  SCMP_ACT_NOTIFY: RET_USER_NOTIF,
};

/** The `ret` value of an action; ERRNO and TRACE carry `errno`, EPERM where none is given. */
export function verdictOf(action: SeccompAction, errno: number = eperm): number {
  const base = bases[action];
  return base === RET_ERRNO || base === RET_TRACE ? base | errno : base;
}

/**
 * The rules of a profile. Those that only repeat the default decide nothing: libseccomp refuses them and runc leaves
 * them out, so that they never stand in the way of another rule for the same call.
 * @throws invalid-parameter for NOTIFY as default or on write(2), in runc's words: the descriptor of the listener is
 * handed over by a write that would wait for itself
 */
export function resolveRules(profile: OciSeccomp): ResolvedRule[] {
  if (profile.defaultAction === "SCMP_ACT_NOTIFY")
    throw failure("invalid-parameter", { message: "SCMP_ACT_NOTIFY cannot be used as default action" });
  const fallback = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  const rules: ResolvedRule[] = [];
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    if (action === "SCMP_ACT_NOTIFY" && names.includes("write"))
      throw failure("invalid-parameter", { message: "SCMP_ACT_NOTIFY cannot be used for the write syscall" });
    const verdict = verdictOf(action, errnoRet);
    rules.push({
      names,
      verdict: verdict === fallback ? undefined : verdict,
      alternatives: alternativesOf(args),
    });
  }
  return rules;
}

/**
 * The arguments of a rule must all hold. Only if two of them look at the same argument each is a rule of its own:
 * libseccomp can't express that, and runc and crun made it an "or" long ago.
 */
function alternativesOf(args: readonly SeccompArgument[]): (readonly Condition[])[] | undefined {
  if (args.length === 0) return undefined;
  const conditions = args.map(conditionOf);
  const distinct = new Set(args.map((arg) => arg.index)).size === args.length;
  return distinct ? [conditions] : conditions.map((condition) => [condition]);
}

function conditionOf({ index, value, valueTwo = 0, op }: SeccompArgument): Condition {
  const [first, second] = [halves(value), halves(valueTwo)];
  if (op !== "SCMP_CMP_MASKED_EQ") {
    return { index, op, high: first[0], low: first[1], maskHigh: 0xffffffff, maskLow: 0xffffffff };
  }
  const [maskHigh, maskLow] = first;
  // Bits outside of the mask can't be equal to anything but zero; libseccomp drops them too.
  return {
    index,
    op,
    high: (second[0] & maskHigh) >>> 0,
    low: (second[1] & maskLow) >>> 0,
    maskHigh,
    maskLow,
  };
}

function halves(word: Word): [high: number, low: number] {
  if (typeof word === "number") return [Math.floor(word / 0x100000000), word >>> 0];
  return [Number((word >> 32n) & 0xffffffffn), Number(word & 0xffffffffn)];
}

/** What `rules` say about each system-call number of `arch`. Names that it doesn't have are left out. */
export function rulesFor(arch: Architecture, rules: readonly ResolvedRule[]): ArchitectureRules {
  const table = syscallTable(arch);
  const multiplexed = table.has("socketcall") || table.has("ipc");
  const limit = arch === "arm" ? armPrivate : Infinity;
  const outcomes = new Map<number, Outcome>();
  let newest: number | undefined;
  for (const { names, verdict, alternatives } of rules) {
    for (const name of names) {
      const number = table.get(name);
      if (number !== undefined) {
        if (number < limit && (newest === undefined || number > newest)) newest = number;
        decide(outcomes, number, verdict, alternatives);
      }
      const multiplexer = multiplexed ? multiplexers.get(name) : undefined;
      const through = multiplexer && table.get(multiplexer.through);
      if (multiplexer === undefined || through === undefined) continue;
      if (newest === undefined || through > newest) newest = through;
      decide(outcomes, through, verdict, throughMultiplexer(multiplexer.call, alternatives));
    }
  }
  return { arch, outcomes, newest };
}

function decide(
  outcomes: Map<number, Outcome>,
  number: number,
  verdict: number | undefined,
  alternatives: ResolvedRule["alternatives"],
): void {
  if (verdict === undefined) return;
  const known = outcomes.get(number);
  // A rule without conditions beats those with, wherever it stands; of several the first stays. (libseccomp has an
  // error, EEXIST, if they differ.)
  if (typeof known === "number") return;
  if (alternatives === undefined) outcomes.set(number, verdict);
  else {
    const more = alternatives.map((conditions) => ({ conditions, verdict }));
    outcomes.set(number, [...(known ?? []), ...more]);
  }
}

/** Numbers that get ENOSYS although a call might be there: `first` to `last`. */
export interface UnknownCalls {
  readonly first: number;
  readonly last: number;
}

/**
 * The calls that came after the profile was written. As runc has it, they fail with ENOSYS, so that a C library falls
 * back to an older call, where the profile's default would break it with EPERM.
 * @param last highest number of the architecture's range
 */
export function unknownCalls(rules: ArchitectureRules, profile: OciSeccomp, last: number): UnknownCalls[] {
  // What is let through, or shown to a tracer, is not refused for being new.
  if (["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(profile.defaultAction)) return [];
  if (rules.newest === undefined) return [];
  const unknown = { first: rules.newest + 1, last: rules.arch === "arm" ? armPrivate - 1 : last };
  // On s390 a number above 255 comes in a register; the kernel leaves 0, the never used setup(2), for one it doesn't know.
  if (rules.arch === "s390" || rules.arch === "s390x") return [{ first: 0, last: 0 }, unknown];
  return [unknown];
}

interface Multiplexer {
  readonly through: "socketcall" | "ipc";
  readonly call: number;
}

/** Calls that some ABIs also reach through socketcall(2) or ipc(2), by a number that is the first argument. */
const multiplexers: ReadonlyMap<string, Multiplexer> = new Map([
  ...numbered(
    "socketcall",
    1,
    "socket bind connect listen accept getsockname getpeername socketpair send recv",
  ),
  ...numbered("socketcall", 11, "sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4"),
  ...numbered("socketcall", 19, "recvmmsg sendmmsg"),
  ...numbered("ipc", 1, "semop semget semctl semtimedop"),
  ...numbered("ipc", 11, "msgsnd msgrcv msgget msgctl"),
  ...numbered("ipc", 21, "shmat shmdt shmget shmctl"),
]);

function numbered(through: Multiplexer["through"], first: number, names: string): [string, Multiplexer][] {
  return names.split(" ").map((name, i) => [name, { through, call: first + i }]);
}

/**
 * A rule seen through the multiplexer: its first argument is the call's number, so a condition on the call's own first
 * argument is lost, as in libseccomp (it lies in memory, where a filter can't look).
 */
function throughMultiplexer(
  call: number,
  alternatives: ResolvedRule["alternatives"],
): readonly (readonly Condition[])[] {
  const isCall = conditionOf({ index: 0, op: "SCMP_CMP_EQ", value: call });
  return (alternatives ?? [[]]).map((conditions) => [
    isCall,
    ...conditions.filter(({ index }) => index !== 0),
  ]);
}

/** Whether the ABI passes 32-bit words, of which only the low half of a register counts (libseccomp does the same). */
export function narrow(arch: Architecture): boolean {
  return architectures[arch].bits === 32;
}
