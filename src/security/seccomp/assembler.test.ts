import { describe, expect, test } from "bun:test";
import { Assembler, type Target } from "./assembler.ts";
import { JUMP, JUMP_EQ, LOAD, RETURN } from "./bpf.ts";
import { interpret } from "./interpreter.ts";

const call = (nr: number): { nr: number; arch: number; args: bigint[] } => ({ nr, arch: 0, args: [] });

describe("Assembler", () => {
  test("shares verdicts and writes nothing for a choice that is none", () => {
    const assembler = new Assembler();
    const inner = assembler.jumpIf(JUMP_EQ, 2, { verdict: 7 }, { verdict: 8 });
    const outer = assembler.jumpIf(JUMP_EQ, 1, { verdict: 7 }, inner);
    expect(assembler.jumpIf(JUMP_EQ, 0, outer, outer)).toEqual(outer);
    expect(assembler.jumpIf(JUMP_EQ, 0, { verdict: 7 }, { verdict: 7 })).toEqual({ verdict: 7 });
    assembler.load(0, outer);
    expect(assembler.program.map(({ code }) => code)).toEqual([LOAD, JUMP_EQ, JUMP_EQ, RETURN, RETURN]);
    expect([1, 2, 3].map((nr) => interpret(assembler.program, call(nr)).verdict)).toEqual([7, 7, 8]);
  });

  test("continues at a verdict, or somewhere that isn't next, by an instruction of its own", () => {
    const verdict = new Assembler();
    verdict.load(0, { verdict: 3 });
    expect(verdict.program.map(({ code }) => code)).toEqual([LOAD, RETURN]);
    const elsewhere = new Assembler();
    const target = elsewhere.load(0, { verdict: 3 });
    elsewhere.load(0, { verdict: 4 });
    elsewhere.load(4, target);
    expect(elsewhere.program.map(({ code }) => code)).toEqual([LOAD, JUMP, LOAD, RETURN, LOAD, RETURN]);
    expect(interpret(elsewhere.program, call(0)).verdict).toBe(3);
  });

  test("reaches places further away than a conditional jump can", () => {
    const assembler = new Assembler();
    const [yes, no] = [assembler.load(4, { verdict: 100 }), assembler.load(4, { verdict: 200 })];
    let far: Target = no;
    for (let nr = 1000; nr > 0; nr--)
      far = assembler.jumpIf(JUMP_EQ, nr, nr % 2 ? yes : { verdict: nr }, far);
    assembler.load(0, assembler.jumpIf(JUMP_EQ, 5000, yes, assembler.jumpIf(JUMP_EQ, 5001, no, far)));
    const { program } = assembler;
    for (const { jt, jf } of program) expect(Math.max(jt, jf)).toBeLessThanOrEqual(255);
    const run = (nr: number): number => interpret(program, call(nr)).verdict;
    expect([1, 2, 500, 777, 1000, 1001, 5000, 5001].map(run)).toEqual([
      100, 2, 500, 100, 1000, 200, 100, 200,
    ]);
  });
});
