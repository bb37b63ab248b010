/**
 * Prints a filter for people: `caisson explain` shows it.
 * @module
 */
import { type Architecture, architectures } from "../../kernel/syscalls/mod.ts";
import {
  AND,
  DATA_ARCH,
  DATA_ARGUMENTS,
  DATA_NR,
  decode,
  JUMP,
  JUMP_EQ,
  JUMP_GE,
  JUMP_GT,
  LOAD,
  RET_ALLOW,
  RET_ERRNO,
  RET_KILL_PROCESS,
  RET_KILL_THREAD,
  RET_LOG,
  RET_TRACE,
  RET_TRAP,
  RET_USER_NOTIF,
  RETURN,
} from "./bpf.ts";

/** One line for each instruction of a filter: its index, what it does, where it jumps to. */
export function disassemble(filter: Uint8Array, bigEndian = false): string[] {
  // What A holds where the instruction is reached; every path to one loads the same word in the programs we make.
  let loaded = -1;
  return decode(filter, bigEndian).map(({ code, jt, jf, k }, index) => {
    const line = (text: string): string => `${String(index).padStart(4, "0")}: ${text}`;
    const to = (skip: number): string => String(index + 1 + skip).padStart(4, "0");
    const jump = (operator: string): string =>
      line(`if ${operator} ${operand(loaded, k)} goto ${to(jt)} else ${to(jf)}`);
    switch (code) {
      case LOAD:
        loaded = k;
        return line(`load ${word(k, bigEndian)}`);
      case AND:
        return line(`and ${hex(k)}`);
      case JUMP:
        return line(`goto ${to(k)}`);
      case JUMP_EQ:
        return jump("==");
      case JUMP_GT:
        return jump(">");
      case JUMP_GE:
        return jump(">=");
      case RETURN:
        return line(`return ${verdictName(k)}`);
      default:
        return line(`unknown code=${hex(code)} jt=${jt} jf=${jf} k=${hex(k)}`);
    }
  });
}

/** A verdict in words: `ALLOW`, `ERRNO(1)`. */
export function verdictName(verdict: number): string {
  const value = verdict & 0xffff;
  switch ((verdict & 0xffff0000) >>> 0) {
    case RET_KILL_PROCESS:
      return "KILL_PROCESS";
    case RET_KILL_THREAD:
      return "KILL_THREAD";
    case RET_TRAP:
      return "TRAP";
    case RET_ERRNO:
      return `ERRNO(${value})`;
    case RET_USER_NOTIF:
      return "NOTIFY";
    case RET_TRACE:
      return `TRACE(${value})`;
    case RET_LOG:
      return "LOG";
    case RET_ALLOW:
      return "ALLOW";
    default:
      return hex(verdict);
  }
}

function word(offset: number, bigEndian: boolean): string {
  if (offset === DATA_NR) return "system call";
  if (offset === DATA_ARCH) return "architecture";
  if (offset < DATA_ARGUMENTS) return `offset ${offset}`;
  const argument = Math.floor((offset - DATA_ARGUMENTS) / 8);
  return `arg${argument}.${(offset % 8 === 0) === bigEndian ? "high" : "low"}`;
}

function operand(loaded: number, k: number): string {
  if (loaded === DATA_ARCH) {
    const names = (Object.keys(architectures) as Architecture[]).filter(
      (arch) => architectures[arch].audit === k,
    );
    if (names.length > 0) return `${hex(k)} (${names.join("/")})`;
  }
  return loaded === DATA_NR && k < 0x40000000 ? String(k) : hex(k);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
