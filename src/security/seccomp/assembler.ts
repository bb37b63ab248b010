/**
 * Builds a BPF program from its end to its beginning. All jumps of classic BPF go forward, so every target is already
 * there when a jump to it is written, and a conditional jump, which reaches 255 instructions at most, can be given a
 * stepping stone right behind it when its target is further away.
 * @module
 */
import { type Instruction, JUMP, LOAD, AND, RETURN } from "./bpf.ts";

/** Where a jump goes: an instruction already written, or a verdict that any `ret` with that value serves. */
export type Target = { readonly at: number } | { readonly verdict: number };

const reach = 255;

/** Assembles one program backwards. */
export class Assembler {
  /** Instructions in reverse: index 0 is the program's last. */
  readonly #code: Instruction[] = [];
  /** Nearest `ret` for each verdict. */
  readonly #returns = new Map<number, number>();

  /** The program so far, first instruction first. */
  get program(): Instruction[] {
    return this.#code.toReversed();
  }

  /** Writes `load A ← data[offset]`, continuing at `next`. */
  load(offset: number, next: Target): Target {
    this.#straightTo(next);
    return this.#push({ code: LOAD, jt: 0, jf: 0, k: offset });
  }

  /** Writes `A &= mask`, continuing at `next`. */
  and(mask: number, next: Target): Target {
    this.#straightTo(next);
    return this.#push({ code: AND, jt: 0, jf: 0, k: mask });
  }

  /** Writes a conditional jump comparing A with `k`. Where both ways lead to the same place nothing is written. */
  jumpIf(code: number, k: number, yes: Target, no: Target): Target {
    if (same(yes, no)) return yes;
    // A stepping stone moves the jump one instruction away from its other target, hence the loop.
    for (;;) {
      const jt = this.#distance(yes);
      const jf = this.#distance(no);
      if (jt !== undefined && jf !== undefined) return this.#push({ code, jt, jf, k });
      if (jt === undefined) yes = this.#steppingStone(yes);
      else no = this.#steppingStone(no);
    }
  }

  #straightTo(target: Target): void {
    if ("verdict" in target || target.at !== this.#code.length - 1) this.#steppingStone(target);
  }

  /** Instructions that a jump written now has to skip to get to `target`; undefined if it doesn't reach. */
  #distance(target: Target): number | undefined {
    const at = "at" in target ? target.at : this.#returns.get(target.verdict);
    if (at === undefined) return undefined;
    const skip = this.#code.length - at - 1;
    return skip <= reach ? skip : undefined;
  }

  #steppingStone(target: Target): Target {
    if ("verdict" in target) return this.#return(target.verdict);
    return this.#push({ code: JUMP, jt: 0, jf: 0, k: this.#code.length - target.at - 1 });
  }

  #return(verdict: number): Target {
    const { at } = this.#push({ code: RETURN, jt: 0, jf: 0, k: verdict });
    this.#returns.set(verdict, at);
    return { at };
  }

  #push(instruction: Instruction): { readonly at: number } {
    this.#code.push(instruction);
    return { at: this.#code.length - 1 };
  }
}

function same(a: Target, b: Target): boolean {
  if ("at" in a) return "at" in b && a.at === b.at;
  return "verdict" in b && a.verdict === b.verdict;
}
