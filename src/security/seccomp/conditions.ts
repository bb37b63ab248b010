/**
 * Writes comparisons of system-call arguments. BPF has 32-bit words, so a 64-bit argument is compared in two halves.
 * @module
 */
import type { Assembler, Target } from "./assembler.ts";
import { DATA_ARGUMENTS, JUMP_EQ, JUMP_GE, JUMP_GT } from "./bpf.ts";
import type { Condition, ConditionalRule } from "./rules.ts";

/** How arguments lie in `struct seccomp_data`. */
export interface ArgumentForm {
  /** Compare the low halves only: a 32-bit ABI. */
  readonly narrow: boolean;
  readonly bigEndian: boolean;
}

/** Writes `rules` so that the first whose conditions all hold gives its verdict, and none leads to `otherwise`. */
export function emitConditions(
  assembler: Assembler,
  rules: readonly ConditionalRule[],
  otherwise: Target,
  form: ArgumentForm,
): Target {
  let next = otherwise;
  for (const { conditions, verdict } of rules.toReversed()) {
    let target: Target = { verdict };
    for (const condition of conditions.toReversed()) target = emit(assembler, condition, target, next, form);
    next = target;
  }
  return next;
}

function emit(
  assembler: Assembler,
  condition: Condition,
  yes: Target,
  no: Target,
  form: ArgumentForm,
): Target {
  const { index, op, high, low, maskHigh, maskLow } = condition;
  const at = DATA_ARGUMENTS + index * 8;
  const [highAt, lowAt] = form.bigEndian ? [at, at + 4] : [at + 4, at];
  const half = (offset: number, mask: number, compare: Target): Target =>
    assembler.load(offset, mask === 0xffffffff ? compare : assembler.and(mask, compare));

  const equal = (hit: Target, miss: Target): Target => {
    let target = hit;
    if (maskLow !== 0) target = half(lowAt, maskLow, assembler.jumpIf(JUMP_EQ, low, hit, miss));
    if (form.narrow || maskHigh === 0) return target;
    return half(highAt, maskHigh, assembler.jumpIf(JUMP_EQ, high, target, miss));
  };
  const above = (code: number, hit: Target, miss: Target): Target => {
    const target = assembler.load(lowAt, assembler.jumpIf(code, low, hit, miss));
    if (form.narrow) return target;
    const tie = assembler.jumpIf(JUMP_EQ, high, target, miss);
    return assembler.load(highAt, assembler.jumpIf(JUMP_GT, high, hit, tie));
  };

  switch (op) {
    case "SCMP_CMP_EQ":
    case "SCMP_CMP_MASKED_EQ":
      return equal(yes, no);
    case "SCMP_CMP_NE":
      return equal(no, yes);
    case "SCMP_CMP_GT":
      return above(JUMP_GT, yes, no);
    case "SCMP_CMP_GE":
      return above(JUMP_GE, yes, no);
    case "SCMP_CMP_LE":
      return above(JUMP_GT, no, yes);
    case "SCMP_CMP_LT":
      return above(JUMP_GE, no, yes);
  }
}
