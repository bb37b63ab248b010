/**
 * Errors that people read. Made only through {@link failure}, so that each has a code of the closed registry.
 * @module
 */
import { registry, type ErrorCode, type ErrorParams } from "./registry.ts";

export { goQuoted } from "./go-quoted.ts";
export type { ErrorCode } from "./registry.ts";

/** An error of the registry. `cause` is kept; only the API's and the command line's edges map it to an answer. */
export class CaissonError extends Error {
  override readonly name: string = "CaissonError";
  readonly code: ErrorCode;
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** Exit code of the command line. */
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = registry[code].status;
    this.exitCode = registry[code].exit;
  }
}

/** Makes the error `code` with its text filled from `params`: `throw failure("no-such-container", { name })`. */
export function failure<C extends ErrorCode>(code: C, params: ErrorParams[C], cause?: unknown): CaissonError {
  return new CaissonError(code, registry[code].text(params), cause);
}

/** The same error with what was being done before its text (`cannot kill container: web: …`); others stay as they are. */
export function inContext(doing: string, error: unknown): unknown {
  return error instanceof CaissonError
    ? new CaissonError(error.code, `${doing}: ${error.message}`, error)
    : error;
}

/** Whether `error` is the registry's error `code`. */
export function isFailure(error: unknown, code: ErrorCode): error is CaissonError {
  return error instanceof CaissonError && error.code === code;
}

/** What node and programs of the kernel call it, and the registry. */
const fullWords: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "no-space" satisfies ErrorCode]);

/** Whether the error, or its cause, says that there is no room on a disk. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errnoName, cause } = error as { code?: unknown; errnoName?: unknown; cause?: unknown };
  return fullWords.has(code) || fullWords.has(errnoName) || isFull(cause);
}

/** The text of whatever was thrown; of what a file system refused as Go's os package says it, which docker's users know. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? (pathError(error) ?? error.message) : String(error);
}

/** `ENOSPC: no space left on device, open '/x'` → `open /x: no space left on device` */
function pathError({ message }: Error): string | undefined {
  const match = /^E[A-Z0-9]+: ([^,]+), ([a-z0-9]+)(?: '(.*?)'(?: -> '(.*)')?)?$/s.exec(message);
  if (match === null) return undefined;
  const [, why, call, path, other] = match;
  return `${[call, path, other].filter((part) => part !== undefined).join(" ")}: ${why}`;
}
