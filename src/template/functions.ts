/**
 * What the functions of a template do.
 * @module
 */
import { commandFailed } from "./command-failed.ts";
import { printValue, sprint, sprintf, sprintln } from "./print.ts";
import { Row } from "./row.ts";

/** A function of a template. Throws what is wrong with its arguments. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** Whether a value counts as true: not empty, zero, false or nothing. */
export function truth(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && !(value instanceof Row)) return Object.keys(value).length > 0;
  return true;
}

/** JSON without escaping `<`, `>` and `&`, except in a line of a list, which escapes them as Go does by default. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  if (!(value instanceof Row)) return text;
  return text.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function compare(name: string, a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean" && (name === "eq" || name === "ne"))
    return a === b ? 0 : 1;
  if ((a ?? null) === null || (b ?? null) === null) return (a ?? null) === (b ?? null) ? 0 : 1;
  if (typeof a === "object" || typeof b === "object") {
    throw commandFailed(`error calling ${name}: non-comparable types`);
  }
  throw commandFailed(`error calling ${name}: incompatible types for comparison`);
}

function index(value: unknown, ...keys: readonly unknown[]): unknown {
  let found = value;
  for (const key of keys) {
    if (found === null || found === undefined)
      throw commandFailed("error calling index: index of untyped nil");
    if (Array.isArray(found) || typeof found === "string") {
      if (typeof key !== "number") {
        throw commandFailed(`error calling index: cannot index slice/array with type ${typeof key}`);
      }
      if (key < 0 || key >= found.length)
        throw commandFailed(`error calling index: index out of range: ${key}`);
      found = typeof found === "string" ? found.charCodeAt(key) : (found[key] as unknown);
    } else if (typeof found === "object") {
      const name = String(key);
      // A missing key is the zero value of what the map holds; here that can only be guessed from its neighbours.
      const others = Object.values(found);
      const zero = others.length > 0 && others.every((v) => typeof v === "string") ? "" : undefined;
      found = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : zero;
    } else throw commandFailed(`error calling index: can't index item of type ${typeof found}`);
  }
  return found;
}

function length(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null) return Object.keys(value).length;
  if (value === null || value === undefined) return 0;
  throw commandFailed(`error calling len: len of type ${typeof value}`);
}

function slice(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== "string" && !Array.isArray(value)) {
    throw commandFailed(`error calling slice: can't slice item of type ${typeof value}`);
  }
  const start = Number(from ?? 0);
  const end = Number(to ?? value.length);
  for (const bound of [start, end]) {
    if (bound < 0 || bound > value.length) {
      throw commandFailed(`error calling slice: index out of range: ${bound}`);
    }
  }
  return value.slice(start, end);
}

const text = (value: unknown): string => (typeof value === "string" ? value : printValue(value, false));

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function pad(source: unknown, before: unknown, after: unknown): string {
  const value = text(source);
  return value === "" ? "" : " ".repeat(Number(before)) + value + " ".repeat(Number(after));
}

/** The functions by name; `and` and `or` are the evaluator's, which doesn't work out what isn't needed. */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  not: (value) => !truth(value),
  eq: (a, ...others) => others.some((b) => compare("eq", a, b) === 0),
  ne: (a, b) => compare("ne", a, b) !== 0,
  lt: (a, b) => compare("lt", a, b) < 0,
  le: (a, b) => compare("le", a, b) <= 0,
  gt: (a, b) => compare("gt", a, b) > 0,
  ge: (a, b) => compare("ge", a, b) >= 0,
  len: length,
  index,
  slice,
  print: (...values) => sprint(values),
  printf: (format, ...values) => sprintf(text(format), values),
  println: (...values) => sprintln(values),
  html: (...values) =>
    sprint(values).replace(
      /[<>&'"]/g,
      (c) => `&${{ "<": "lt", ">": "gt", "&": "amp", "'": "#39", '"': "#34" }[c]};`,
    ),
  js: (...values) => JSON.stringify(sprint(values)).slice(1, -1),
  urlquery: (...values) => encodeURIComponent(sprint(values)).replaceAll("%20", "+"),
  json: (...values) => {
    if (values.length !== 1)
      throw commandFailed(`wrong number of args for json: want 1 got ${values.length}`);
    return toJson(values[0]);
  },
  split: (value, separator) => text(value).split(text(separator)),
  join: (values, separator) => list(values).map(text).join(text(separator)),
  title: (value) =>
    text(value).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, c: string) => before + c.toUpperCase(),
    ),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad,
  truncate: (value, size) => text(value).slice(0, Number(size)),
};

const unchanged: TemplateFunction = (value) => value;

/** In the head of a table the names of columns stay as they are; padding is kept so that columns line up. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...functions,
  json: unchanged,
  split: unchanged,
  join: unchanged,
  title: unchanged,
  lower: unchanged,
  upper: unchanged,
  truncate: unchanged,
};
