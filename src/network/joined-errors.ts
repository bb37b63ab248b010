/**
 * Several things that are wrong with one request, told at once as Docker does.
 * @module
 */
import { failure } from "../errors/mod.ts";

/** Throws `invalid-parameter` with the title and one line for each of `errors`, if there are any. */
export function throwJoined(title: string, errors: readonly string[]): void {
  if (errors.length === 0) return;
  const lines = errors.length === 1 ? errors : errors.map((error) => `* ${error}`);
  throw failure("invalid-parameter", { message: `${title}:\n${lines.join("\n")}` });
}
