/**
 * Signals by name and number (signal(7), the numbers of x86 and ARM).
 * @module
 */
import { constants } from "node:os";
import { failure } from "../errors/mod.ts";

const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** Number of a signal that a client names: `SIGTERM`, `TERM`, `15`, `RTMIN+3`; Docker's error for another. */
export function signalNumber(name: string): number {
  const invalid = (): Error => failure("invalid-parameter", { message: `invalid signal: ${name}` });
  if (/^[+-]?\d+$/.test(name)) {
    const number = BigInt(name.replace("+", ""));
    if (number === 0n || number !== BigInt.asIntN(64, number)) throw invalid();
    if (number < 0n || number > SIGRTMAX) {
      throw failure("invalid-parameter", {
        message: `the linux daemon does not support signal ${number}`,
      });
    }
    return Number(number);
  }
  const upper = name.toUpperCase().replace(/^SIG/, "");
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(upper);
  if (realtime !== null) {
    const base = realtime[1] === "MIN" ? SIGRTMIN : SIGRTMAX;
    const number = base + (realtime[2] === "-" ? -1 : 1) * Number(realtime[3] ?? 0);
    if (number < SIGRTMIN || number > SIGRTMAX) throw invalid();
    return number;
  }
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${upper}`];
  if (number === undefined) throw invalid();
  return number;
}
