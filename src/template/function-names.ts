/**
 * The functions that a template may call: Go's own and docker's.
 * @module
 */

/** Names of functions. */
export const functionNames: ReadonlySet<string> = new Set([
  "and",
  "or",
  "not",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "len",
  "index",
  "slice",
  "print",
  "printf",
  "println",
  "html",
  "js",
  "urlquery",
  "json",
  "split",
  "join",
  "title",
  "lower",
  "upper",
  "pad",
  "truncate",
]);
