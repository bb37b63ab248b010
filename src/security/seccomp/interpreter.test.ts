import { expect, test } from "bun:test";
import {
  AND,
  DATA_ARGUMENTS,
  decode,
  encode,
  type Instruction,
  JUMP,
  JUMP_EQ,
  JUMP_GE,
  JUMP_GT,
  LOAD,
  RETURN,
} from "./bpf.ts";
import { interpret } from "./interpreter.ts";

const insn = (code: number, k: number, jt = 0, jf = 0): Instruction => ({ code, jt, jf, k });
const call = { nr: 7, arch: 0xc000003e, args: [0x1122334455667788n, 0xffffffff00000001n] };

function value(program: Instruction[], bigEndian = false): number {
  return interpret(program, call, bigEndian).verdict;
}

test("loads, masks, jumps and returns as the kernel does", () => {
  const choose = (code: number, k: number): Instruction[] => [
    insn(LOAD, DATA_ARGUMENTS + 12),
    insn(code, k, 1, 0),
    insn(RETURN, 0),
    insn(RETURN, 1),
  ];
  // 0xffffffff is above 0x7fffffff: comparisons are unsigned.
  expect(value(choose(JUMP_GT, 0x7fffffff))).toBe(1);
  expect(value(choose(JUMP_GT, 0xffffffff))).toBe(0);
  expect(value(choose(JUMP_GE, 0xffffffff))).toBe(1);
  expect(value(choose(JUMP_EQ, 0xffffffff))).toBe(1);
  expect(value([insn(LOAD, 0), insn(AND, 3), insn(JUMP_EQ, 3, 0, 1), insn(RETURN, 5), insn(RETURN, 6)])).toBe(
    5,
  );
  expect(value([insn(JUMP, 1), insn(RETURN, 5), insn(RETURN, 6)])).toBe(6);
  expect(interpret([insn(JUMP, 0), insn(RETURN, 5)], call)).toEqual({ verdict: 5, steps: 2 });
});

test("words lie in the machine's byte order", () => {
  const high = [
    insn(LOAD, DATA_ARGUMENTS),
    insn(JUMP_EQ, 0x11223344, 0, 1),
    insn(RETURN, 1),
    insn(RETURN, 2),
  ];
  expect([value(high), value(high, true)]).toEqual([2, 1]);
});

test("what the kernel would refuse is refused", () => {
  expect(() => value([])).toThrow("seccomp filter: instruction 0 runs past its end");
  expect(() => value([insn(JUMP, 3), insn(RETURN, 1)])).toThrow("instruction 4 runs past its end");
  expect(() => value([insn(LOAD, 64)])).toThrow("instruction 0 loads from offset 64");
  expect(() => value([insn(LOAD, 2)])).toThrow("instruction 0 loads from offset 2");
  expect(() => value([insn(0x87, 0)])).toThrow("instruction 0 has the unknown code 0x87");
});

test("bytes and instructions convert both ways", () => {
  const program = [insn(LOAD, 4), insn(JUMP_EQ, 0xc000003e, 255, 3), insn(RETURN, 0x80000000)];
  expect(decode(encode(program))).toEqual(program);
  expect(decode(encode(program, true), true)).toEqual(program);
  expect(() => decode(new Uint8Array(9))).toThrow("the last instruction is cut short");
});
