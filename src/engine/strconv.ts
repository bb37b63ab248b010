/**
 * Whole numbers as Go's package strconv reads them; what is none is told in its words.
 * @module
 */
import { failure, goQuoted } from "../errors/mod.ts";

/** A decimal number of 64 bits. Throws `invalid-parameter` with `caller` in front. */
export function parseInteger(text: string, caller: string = "strconv.Atoi"): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw notParsed(text, caller, "invalid syntax");
  const value = BigInt(text.replace(/^\+/, ""));
  if (BigInt.asIntN(64, value) !== value) throw notParsed(text, caller, "value out of range");
  return value;
}

/** One of `bits` without a sign. Throws `invalid-parameter`. */
export function parseUnsigned(text: string, bits: number = 64): number {
  const caller = "strconv.ParseUint";
  if (!/^\d+$/.test(text)) throw notParsed(text, caller, "invalid syntax");
  if (BigInt(text) >= 2n ** BigInt(bits)) throw notParsed(text, caller, "value out of range");
  return Number(text);
}

const notParsed = (text: string, caller: string, why: string): Error =>
  failure("invalid-parameter", { message: `${caller}: parsing ${goQuoted(text)}: ${why}` });
