/**
 * `--filter name=value`.
 * @module
 */
import type { Filters } from "../client/mod.ts";
import type { FlagSpec } from "./flags.ts";
import { cut } from "./key-values.ts";

/** The --filter flag. */
export const filterFlag: FlagSpec = {
  name: "filter",
  short: "f",
  type: "filter",
  usage: "Filter output based on conditions provided",
};

/** Filters by name. Names are in lower case, white space around both sides goes. */
export function toFilters(words: readonly string[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const word of words) {
    if (word === "") continue;
    const [name, value] = cut(word, "=");
    (filters[name.trim().toLowerCase()] ??= []).push(value.trim());
  }
  return filters;
}
