/**
 * What a profile says about one system call, read straight from its rules: the yardstick that tests hold the compiler
 * against. It shares no code with it beyond the tables of numbers.
 * @module
 */
import {
  type Architecture,
  architectures,
  syscallTable,
  X32_SYSCALL_BIT,
} from "../../kernel/syscalls/mod.ts";
import { ociArchitecture } from "./expand.ts";
import type { SystemCall } from "./interpreter.ts";
import type { OciSeccomp, SeccompArgument, SeccompRule } from "./types.ts";

const bases: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x30000,
  SCMP_ACT_ERRNO: 0x50000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

function verdict(action: string, errno = 1): number {
  return (bases[action] ?? 0) + (action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE" ? errno : 0);
}

/** The verdict of `profile`, in force on a machine of the architecture `native`, on `call`. */
export function evaluate(profile: OciSeccomp, native: Architecture, call: SystemCall): number {
  const known = (Object.keys(architectures) as Architecture[]).filter(
    (arch) => arch === native || profile.architectures?.includes(ociArchitecture(arch)),
  );
  const fallback = verdict(profile.defaultAction, profile.defaultErrnoRet);
  let arch = known.find((candidate) => architectures[candidate].audit === call.arch);
  if (architectures.x86_64.audit === call.arch) {
    const wanted: Architecture = call.nr >= X32_SYSCALL_BIT ? "x32" : "x86_64";
    if (wanted === "x32" && call.nr === 0xffffffff && !known.includes("x32") && arch) return fallback;
    arch = known.find((candidate) => candidate === wanted);
  }
  if (arch === undefined) return 0;

  const table = syscallTable(arch);
  const names = [...table].filter(([, number]) => number === call.nr).map(([name]) => name);
  const rules = (profile.syscalls ?? []).filter((rule) => verdict(rule.action, rule.errnoRet) !== fallback);
  const matching = rules.flatMap((rule) => applications(rule, names, arch, call));
  const decided = matching.find(({ always }) => always) ?? matching.find(({ holds }) => holds);
  if (decided !== undefined) return verdict(decided.rule.action, decided.rule.errnoRet);
  return isUnknown(profile, arch, table, call.nr) ? verdict("SCMP_ACT_ERRNO", 38) : fallback;
}

interface Application {
  readonly rule: SeccompRule;
  readonly always: boolean;
  readonly holds: boolean;
}

function applications(
  rule: SeccompRule,
  names: readonly string[],
  arch: Architecture,
  call: SystemCall,
): Application[] {
  const args = rule.args ?? [];
  const direct = rule.names.some((name) => names.includes(name));
  const result: Application[] = [];
  if (direct) result.push({ rule, always: args.length === 0, holds: hold(args, arch, call) });
  for (const [multiplexer, inners] of Object.entries(muxed)) {
    if (!names.includes(multiplexer)) continue;
    const inner = inners[Number(BigInt.asUintN(architectures[arch].bits, call.args[0] ?? 0n))];
    if (inner === undefined || !rule.names.includes(inner)) continue;
    result.push({ rule, always: false, holds: hold(args, arch, call, 0) });
  }
  return result;
}

/** Calls by the number that socketcall(2) and ipc(2) take (linux/net.h, linux/ipc.h); 0 stands for a gap. */
const muxed: Readonly<Record<string, readonly string[]>> = {
  socketcall:
    `0 socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown
    setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`.split(/\s+/),
  ipc: "0 semop semget semctl semtimedop 0 0 0 0 0 0 msgsnd msgrcv msgget msgctl 0 0 0 0 0 0 shmat shmdt shmget shmctl".split(
    " ",
  ),
};

function multiplexersOf(name: string): string[] {
  return Object.keys(muxed).filter((multiplexer) => muxed[multiplexer]?.includes(name));
}

function hold(
  args: readonly SeccompArgument[],
  arch: Architecture,
  call: SystemCall,
  lost?: number,
): boolean {
  const considered = args.filter(({ index }) => index !== lost);
  const twice = new Set(args.map(({ index }) => index)).size < args.length;
  const one = (arg: SeccompArgument): boolean => holds(arg, arch, call.args[arg.index] ?? 0n);
  // With a condition lost to the multiplexer its alternative holds whatever the others say.
  if (twice) return considered.length < args.length || considered.some(one);
  return considered.every(one);
}

function holds({ op, value, valueTwo = 0 }: SeccompArgument, arch: Architecture, argument: bigint): boolean {
  const bits = architectures[arch].bits;
  const [a, b, c] = [argument, BigInt(value), BigInt(valueTwo)].map((word) => BigInt.asUintN(bits, word));
  if (a === undefined || b === undefined || c === undefined) return false;
  switch (op) {
    case "SCMP_CMP_EQ":
      return a === b;
    case "SCMP_CMP_NE":
      return a !== b;
    case "SCMP_CMP_LT":
      return a < b;
    case "SCMP_CMP_LE":
      return a <= b;
    case "SCMP_CMP_GT":
      return a > b;
    case "SCMP_CMP_GE":
      return a >= b;
    case "SCMP_CMP_MASKED_EQ":
      return (a & b) === (c & b);
  }
}

function isUnknown(
  profile: OciSeccomp,
  arch: Architecture,
  table: ReadonlyMap<string, number>,
  number: number,
): boolean {
  if (["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(profile.defaultAction)) return false;
  const named = (profile.syscalls ?? []).flatMap(({ names }) =>
    names.flatMap((name) => [name, ...multiplexersOf(name)].map((each) => table.get(each) ?? -1)),
  );
  const limit = arch === "arm" ? 0xf0000 : Infinity;
  const newest = Math.max(-1, ...named.filter((candidate) => candidate < limit));
  if (newest < 0) return false;
  return (number > newest && number < limit) || (number === 0 && (arch === "s390" || arch === "s390x"));
}
