/**
 * Classic BPF as seccomp(2) takes it: instructions, their bytes, and the verdicts that a filter returns
 * (linux/filter.h, linux/bpf_common.h, linux/seccomp.h).
 * @module
 */
import { failure } from "../../errors/mod.ts";

/** One `struct sock_filter`. */
export interface Instruction {
  readonly code: number;
  /** Instructions to skip when a jump's condition holds, and when it doesn't. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Load the 32-bit word at the byte offset k of `struct seccomp_data`. */
export const LOAD = 0x20;
/** A &= k */
export const AND = 0x54;
/** Skip k instructions. */
export const JUMP = 0x05;
export const JUMP_EQ = 0x15;
export const JUMP_GT = 0x25;
export const JUMP_GE = 0x35;
export const RETURN = 0x06;

/** Offsets in `struct seccomp_data`: nr, arch, instruction pointer (64 bits), six arguments of 64 bits. */
export const DATA_NR = 0;
export const DATA_ARCH = 4;
export const DATA_ARGUMENTS = 16;
/** Size of `struct seccomp_data`. */
export const DATA_SIZE = 64;

/** Verdicts; the low 16 bits of ERRNO and TRACE carry a value. */
export const RET_KILL_PROCESS = 0x80000000;
export const RET_KILL_THREAD = 0x00000000;
export const RET_TRAP = 0x00030000;
export const RET_ERRNO = 0x00050000;
export const RET_USER_NOTIF = 0x7fc00000;
export const RET_TRACE = 0x7ff00000;
export const RET_LOG = 0x7ffc0000;
export const RET_ALLOW = 0x7fff0000;

/** Most instructions that the kernel takes (BPF_MAXINSNS). */
export const MAX_INSTRUCTIONS = 4096;

const instructionSize = 8;

/** Bytes of a program: u16 code, u8 jt, u8 jf, u32 k. */
export function encode(program: readonly Instruction[], bigEndian = false): Uint8Array {
  const bytes = new Uint8Array(program.length * instructionSize);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { code, jt, jf, k } of program) {
    view.setUint16(at, code, !bigEndian);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, !bigEndian);
    at += instructionSize;
  }
  return bytes;
}

/** Instructions of a program's bytes. */
export function decode(bytes: Uint8Array, bigEndian = false): Instruction[] {
  if (bytes.length % instructionSize !== 0)
    throw failure("invalid-parameter", { message: "seccomp filter: the last instruction is cut short" });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const program: Instruction[] = [];
  for (let at = 0; at < bytes.length; at += instructionSize) {
    program.push({
      code: view.getUint16(at, !bigEndian),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, !bigEndian),
    });
  }
  return program;
}
