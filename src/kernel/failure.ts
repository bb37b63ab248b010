/**
 * A failed operation as an error that a person can read: what was being done, to what, why, and which step it was.
 * @module
 */
import { CaissonError } from "../errors/mod.ts";
import { registry } from "../errors/registry.ts";
import { errnoName, errnoText } from "./errno.ts";
import { printCall } from "./print.ts";
import type { Operation, Program } from "./program.ts";

/** What fails outside of the program: a shim's own preparations (native/start.c), or the executor's. */
const stages: Readonly<Record<number, string>> = {
  0xfffffff0: "open the shim's folder",
  0xfffffff1: "find the shim's socket",
  0xfffffff3: "open the log",
  0xfffffff4: "make the streams",
  0xfffffff5: "take the terminal",
  0xffffffff: "start a process for it",
};

function describe(program: Program, index: number, errno: number, doing: string | undefined): string {
  const operation = program.operations[index];
  const prefix = doing === undefined ? "" : `${doing}: `;
  if (operation === undefined) {
    const stage = stages[index] ?? `operation ${index}`;
    return `${prefix}${stage}: ${errnoName(errno)} (${errnoText(errno)})`;
  }
  return registry.kernel.text({
    doing: `${prefix}${operation.label}`,
    call: printCall(operation),
    errno: errnoName(errno),
    explanation: errnoText(errno),
    index,
  });
}

/** Operation `index` of a program failed with `errno`. */
export class KernelError extends CaissonError {
  readonly index: number;
  readonly errno: number;
  /** Symbolic name: `ENOENT`. */
  readonly errnoName: string;
  /** The operation; undefined if something failed before the first one. */
  readonly operation: Operation | undefined;

  constructor(program: Program, index: number, errno: number, doing?: string) {
    super("kernel", describe(program, index, errno, doing));
    this.index = index;
    this.errno = errno;
    this.errnoName = errnoName(errno);
    this.operation = program.operations[index];
  }
}
