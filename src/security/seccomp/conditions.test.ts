import { expect, test } from "bun:test";
import fc from "fast-check";
import { Assembler } from "./assembler.ts";
import { emitConditions } from "./conditions.ts";
import { interpret } from "./interpreter.ts";
import type { Condition } from "./rules.ts";

const [YES, NO] = [0x7fff0000, 0x50001];
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n),
);
const halves = (value: bigint): [number, number] => [Number(value >> 32n), Number(value & 0xffff_ffffn)];

const meaning = {
  SCMP_CMP_EQ: (a: bigint, b: bigint) => a === b,
  SCMP_CMP_NE: (a: bigint, b: bigint) => a !== b,
  SCMP_CMP_GT: (a: bigint, b: bigint) => a > b,
  SCMP_CMP_GE: (a: bigint, b: bigint) => a >= b,
  SCMP_CMP_LT: (a: bigint, b: bigint) => a < b,
  SCMP_CMP_LE: (a: bigint, b: bigint) => a <= b,
} as const;

function verdict(
  conditions: readonly Condition[],
  args: readonly bigint[],
  narrow: boolean,
  bigEndian: boolean,
): number {
  const assembler = new Assembler();
  const start = emitConditions(
    assembler,
    [{ conditions, verdict: YES }],
    { verdict: NO },
    { narrow, bigEndian },
  );
  const { program } = assembler;
  // Conditions that hold always or never leave nothing to run.
  if (program.length === 0) return "verdict" in start ? start.verdict : -1;
  return interpret(program, { nr: 0, arch: 0, args }, bigEndian).verdict;
}

test("each comparison of 64 bits, in both byte orders; of 32-bit ABIs the low half alone", () => {
  const names = Object.keys(meaning) as (keyof typeof meaning)[];
  const near = fc.tuple(word, fc.constantFrom(-1n, 0n, 1n)).map(([a, by]) => BigInt.asUintN(64, a + by));
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      word,
      fc.oneof(word, near),
      fc.boolean(),
      fc.boolean(),
      fc.nat({ max: 5 }),
      (op, wanted, given, narrow, bigEndian, index) => {
        const [high, low] = halves(wanted);
        const condition = { index, op, high, low, maskHigh: 0xffff_ffff, maskLow: 0xffff_ffff };
        const args = Array.from({ length: 6 }, (_, i) => (i === index ? given : 7n));
        const [a, b] = narrow ? [BigInt.asUintN(32, given), BigInt.asUintN(32, wanted)] : [given, wanted];
        expect(verdict([condition], args, narrow, bigEndian)).toBe(meaning[op](a, b) ? YES : NO);
      },
    ),
    { numRuns: 400 },
  );
});

test("masks", () => {
  fc.assert(
    fc.property(word, word, word, fc.boolean(), (mask, wanted, given, same) => {
      const value = same ? given & mask : wanted & mask;
      const [high, low] = halves(value);
      const [maskHigh, maskLow] = halves(mask);
      const condition = { index: 1, op: "SCMP_CMP_MASKED_EQ", high, low, maskHigh, maskLow } as const;
      expect(verdict([condition], [0n, given], false, false)).toBe((given & mask) === value ? YES : NO);
    }),
  );
});

test("all conditions of a rule must hold", () => {
  const equal = (index: number, value: number): Condition => ({
    index,
    op: "SCMP_CMP_EQ",
    high: 0,
    low: value,
    maskHigh: 0xffff_ffff,
    maskLow: 0xffff_ffff,
  });
  const both = [equal(0, 1), equal(2, 3)];
  expect(
    [
      [1n, 0n, 3n],
      [1n, 0n, 4n],
      [2n, 0n, 3n],
    ].map((args) => verdict(both, args, false, false)),
  ).toEqual([YES, NO, NO]);
});
