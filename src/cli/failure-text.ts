/**
 * Errors as docker's command line words them.
 * @module
 */
import { ServerError } from "../client/mod.ts";
import { type CaissonError, failure, messageOf } from "../errors/mod.ts";

/** The text of an error: what the engine said is marked as the engine's. */
export function textOfError(error: unknown): string {
  return error instanceof ServerError ? `Error response from daemon: ${error.message}` : messageOf(error);
}

/** An error of the command line itself: printed as it is, exit code 1. */
export function commandFailed(message: string, cause?: unknown): CaissonError {
  return failure("command-failed", { message }, cause);
}

/** Several errors as one, a line each. */
export function joined(errors: readonly unknown[]): CaissonError {
  return commandFailed(errors.map(textOfError).join("\n"), errors[0]);
}
