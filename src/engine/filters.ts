/**
 * Filters of lists, by the rules of dockerd: names are checked, then values of different names must all match; of one
 * name's values one must match, of labels every one.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { Filters } from "./engine.ts";
import { parseMoment } from "./moment.ts";

type Labels = Readonly<Record<string, string>> | null | undefined;

/** Throws `invalid-filter` for a name that isn't among `accepted`. */
export function checkFilters(filters: Filters, accepted: ReadonlySet<string>): void {
  for (const name of filters.keys())
    if (!accepted.has(name)) throw failure("invalid-filter", name === "" ? {} : { name });
}

/** A failure for a filter's value: `invalid filter 'exited=x': …`. */
export function badFilter(name: string, value: string, why: string): Error {
  return failure("invalid-parameter", { message: `invalid filter '${name}=${value}': ${why}` });
}

/** Values of a filter; none means that it lets everything through. */
function valuesOf(filters: Filters, name: string): readonly string[] | undefined {
  const values = filters.get(name);
  return values === undefined || values.length === 0 ? undefined : values;
}

/** Whether `text` is one of the values. */
export function exactMatch(filters: Filters, name: string, text: string): boolean {
  return valuesOf(filters, name)?.includes(text) ?? true;
}

/** Whether `text` begins with one of the values. */
export function prefixMatch(filters: Filters, name: string, text: string): boolean {
  return valuesOf(filters, name)?.some((value) => text.startsWith(value)) ?? true;
}

/**
 * Compiles a filter whose values are texts or regular expressions; `undefined` if there is none. An expression that
 * could take for ever, which Go's never do but JavaScript's may, matches as a text only; so does one that is none.
 */
export function patternFilter(filters: Filters, name: string): ((text: string) => boolean) | undefined {
  const values = valuesOf(filters, name);
  if (values === undefined) return undefined;
  const tests = values.map(pattern);
  return (text) => tests.some((test) => test(text));
}

/** Names are short: this many quantifiers in a row are still quick, and nobody needs more of them. */
const mostQuantifiers = 5;
/** A group that is repeated, a reference back, a look around. */
const endless = /\)[*+{]|\\[1-9k]|\(\?[=!<]/;

function pattern(value: string): (text: string) => boolean {
  const plain = (text: string): boolean => text === value;
  if (!/[\\^$.*+?()[\]{}|]/.test(value)) return (text) => text.includes(value);
  if (endless.test(value) || (value.match(/[*+?{]/g) ?? []).length > mostQuantifiers) return plain;
  try {
    const expression = new RegExp(value);
    return (text) => text === value || expression.test(text);
  } catch {
    return plain;
  }
}

/** Whether labels have every `key` and `key=value` of the filter. */
export function labelsMatch(filters: Filters, name: string, labels: Labels): boolean {
  const wanted = valuesOf(filters, name);
  if (wanted === undefined) return true;
  return wanted.every((text) => hasLabel(labels, text));
}

/** Whether labels have every `label` and not every `label!`, as prune has it. */
export function pruneLabelsMatch(filters: Filters, labels: Labels): boolean {
  if (!labelsMatch(filters, "label", labels)) return false;
  const unwanted = valuesOf(filters, "label!");
  return unwanted === undefined || !unwanted.every((text) => hasLabel(labels, text));
}

function hasLabel(labels: Labels, text: string): boolean {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  if (labels === null || labels === undefined || !Object.hasOwn(labels, key)) return false;
  return at < 0 || labels[key] === text.slice(at + 1);
}

/** A filter that is true or false (`dangling=1`); undefined if it isn't given. Throws Docker's text if it is neither. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined) return undefined;
  const truth = values.includes("1") || values.includes("true");
  const falsehood = values.includes("0") || values.includes("false");
  if (truth !== falsehood) return truth;
  throw failure("invalid-filter", { name: values.length === 0 ? name : `${name}=[${values.join(" ")}]` });
}

/**
 * The moment of prune's `until` in nanoseconds since the epoch: seconds since the epoch, an RFC 3339 time or a part of
 * one, or a Go duration before `now` (`10m`, `1h30m`). Undefined if it isn't given. Throws `invalid-parameter`.
 */
export function untilFilter(filters: Filters, now: bigint): bigint | undefined {
  const values = filters.get("until");
  if (values === undefined) return undefined;
  const [text] = values;
  if (text === undefined || values.length !== 1)
    throw failure("invalid-parameter", { message: "more than one until filter specified" });
  return parseMoment(text, now);
}
