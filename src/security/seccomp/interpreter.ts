/**
 * Runs a filter on one system call as the kernel would (kernel/seccomp.c), to test verdicts without installing
 * anything and to explain them.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import {
  AND,
  DATA_ARCH,
  DATA_ARGUMENTS,
  DATA_NR,
  DATA_SIZE,
  type Instruction,
  JUMP,
  JUMP_EQ,
  JUMP_GE,
  JUMP_GT,
  LOAD,
  RETURN,
} from "./bpf.ts";

/** What a filter sees of a system call. */
export interface SystemCall {
  readonly nr: number;
  /** AUDIT_ARCH_* */
  readonly arch: number;
  /** Up to six arguments; missing ones are 0. */
  readonly args: readonly bigint[];
}

/** A verdict and what it took to get there. */
export interface Run {
  /** SECCOMP_RET_* with its data. */
  readonly verdict: number;
  /** Instructions executed. */
  readonly steps: number;
}

/**
 * Runs `program` on `call`.
 * @throws invalid-parameter where the kernel would not have taken the program
 */
export function interpret(program: readonly Instruction[], call: SystemCall, bigEndian = false): Run {
  const data = new DataView(new ArrayBuffer(DATA_SIZE));
  data.setUint32(DATA_NR, call.nr, !bigEndian);
  data.setUint32(DATA_ARCH, call.arch, !bigEndian);
  call.args.forEach((arg, i) => data.setBigUint64(DATA_ARGUMENTS + i * 8, arg, !bigEndian));
  let a = 0;
  let steps = 0;
  for (let at = 0; ; at++) {
    const instruction = program[at];
    if (instruction === undefined) throw malformed("runs past its end", at);
    const { code, jt, jf, k } = instruction;
    steps++;
    switch (code) {
      case LOAD:
        if (k % 4 !== 0 || k >= DATA_SIZE) throw malformed(`loads from offset ${k}`, at);
        a = data.getUint32(k, !bigEndian);
        break;
      case AND:
        a = (a & k) >>> 0;
        break;
      case JUMP:
        at += k;
        break;
      case JUMP_EQ:
        at += a === k ? jt : jf;
        break;
      case JUMP_GT:
        at += a > k ? jt : jf;
        break;
      case JUMP_GE:
        at += a >= k ? jt : jf;
        break;
      case RETURN:
        return { verdict: k, steps };
      default:
        throw malformed(`has the unknown code 0x${code.toString(16)}`, at);
    }
  }
}

function malformed(what: string, at: number): Error {
  return failure("invalid-parameter", { message: `seccomp filter: instruction ${at} ${what}` });
}
