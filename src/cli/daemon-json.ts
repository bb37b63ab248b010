/**
 * The text of daemon.json as the members of its object.
 * @module
 */
import { jsonComplaint } from "../api/mod.ts";
import { failure } from "../errors/mod.ts";

/** Parses the text. @throws usage in the words of Go's decoder when it isn't one JSON object */
export function wholeObject(text: string): ReadonlyMap<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(jsonComplaint(text));
  }
  if (value === null) return new Map();
  if (typeof value === "object" && !Array.isArray(value)) return new Map(Object.entries(value));
  const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  throw wrong(`json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
}

function wrong(message: string): Error {
  return failure("usage", { message: `invalid JSON: ${message}` });
}
