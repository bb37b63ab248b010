/**
 * The error of a template: printed as it is.
 * @module
 */
import { failure, type CaissonError } from "../errors/mod.ts";

/** An error with Go's text. */
export function commandFailed(message: string): CaissonError {
  return failure("command-failed", { message });
}
