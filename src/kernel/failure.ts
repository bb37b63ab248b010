/**
 * A failed operation as an error that a person can read: what was being done, to what, why, and which step it was.
 * @module
 */
import { CaissonError } from "../errors/mod.ts";
import { registry } from "../errors/registry.ts";
import { errnoName, errnoText } from "./errno.ts";
import { printCall } from "./print.ts";
import type { Operation, Program } from "./program.ts";

/** Operation `index` of a program failed with `errno`. */
export class KernelError extends CaissonError {
  readonly index: number;
  readonly errno: number;
  /** Symbolic name: `ENOENT`. */
  readonly errnoName: string;
  readonly operation: Operation | undefined;

  constructor(program: Program, index: number, errno: number, doing?: string) {
    const operation = program.operations[index];
    const label = operation?.label ?? "run a program";
    const message = registry.kernel.text({
      doing: doing === undefined ? label : `${doing}: ${label}`,
      call: operation === undefined ? "malformed program" : printCall(operation),
      errno: errnoName(errno),
      explanation: errnoText(errno),
      index,
    });
    super("kernel", message);
    this.index = index;
    this.errno = errno;
    this.errnoName = errnoName(errno);
    this.operation = operation;
  }
}
