/**
 * Turns a typebox schema into a reader of request bodies that takes what Go's decoder takes: field names in any case,
 * null for whatever is absent, a string for a list of strings where Docker allows it. What comes out has only fields
 * of their right types.
 * @module
 */
import { Compile } from "typebox/compile";
import type { TSchema } from "typebox";
import { failure } from "../errors/mod.ts";

/** Reads and checks a decoded body, which it may change. Throws 400 in the words of Go's decoder. */
export type BodyReader<T> = (body: unknown) => T;

type Fix = (value: unknown) => unknown;

/** What this module reads of a schema. `stringOrList` and `goType` are this project's own marks. */
interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape | readonly Shape[];
  readonly anyOf?: readonly Shape[];
  readonly stringOrList?: boolean;
  readonly goType?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** How Go's decoder calls the type that dockerd reads a body into: as a whole, and before the name of a field. */
export interface GoName {
  readonly value: string;
  readonly field: string;
}

/** Compiles a reader at its first use: compiling costs milliseconds, reading microseconds. */
export function bodyReader<T>(schema: TSchema, name: GoName): BodyReader<T> {
  let read: BodyReader<T> | undefined;
  return (body) => {
    read ??= compileReader<T>(schema, name);
    return read(body);
  };
}

function compileReader<T>(schema: TSchema, name: GoName): BodyReader<T> {
  const fix = fixOf(schema as Shape) ?? ((value) => value);
  const validator = Compile(schema);
  return (body) => {
    const fixed = fix(body ?? {});
    if (validator.Check(fixed)) return fixed as T;
    throw failure("invalid-parameter", {
      message: `invalid JSON: json: ${explain(schema as Shape, fixed, name)}`,
    });
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The change that makes a value canonical; undefined where nothing ever needs to change. */
function fixOf(shape: Shape): Fix | undefined {
  if (shape.anyOf !== undefined) {
    const inner = shape.anyOf.find((s) => s.type !== "null");
    const fix = inner === undefined ? undefined : fixOf(inner);
    return fix === undefined ? undefined : (value) => (value === null ? null : fix(value));
  }
  if (shape.stringOrList === true) return (value) => (typeof value === "string" ? [value] : value);
  if (shape.properties !== undefined) return structFix(shape.properties);
  const values = mapValues(shape);
  if (values !== undefined) return mapFix(values);
  if (shape.type === "array" && Array.isArray(shape.items)) {
    // An array of Go's has its length: what lacks is zero, what is too much is dropped.
    const { length } = shape.items;
    return (value) =>
      Array.isArray(value) ? Array.from({ length }, (_, i) => (value[i] as unknown) ?? 0) : value;
  }
  if (shape.type === "array" && shape.items !== undefined && !Array.isArray(shape.items)) {
    const fix = fixOf(shape.items as Shape);
    const zero = zeroOf(shape.items as Shape);
    return (value) => {
      if (!Array.isArray(value)) return value;
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i];
        value[i] = item === null ? zero : fix === undefined ? item : fix(item);
      }
      return value;
    };
  }
  return undefined;
}

function mapValues(shape: Shape): Shape | undefined {
  return shape.patternProperties === undefined ? undefined : Object.values(shape.patternProperties)[0];
}

/** Go's zero value, which a null in a list or a map becomes. */
function zeroOf(shape: Shape): unknown {
  if (shape.type === "string") return "";
  if (shape.type === "object") return {};
  if (shape.type === "array") return [];
  return null;
}

function structFix(properties: Readonly<Record<string, Shape>>): Fix {
  const fixes = new Map(Object.entries(properties).map(([name, shape]) => [name, fixOf(shape)]));
  const folded = new Map(Object.keys(properties).map((name) => [name.toLowerCase(), name]));
  return (value) => {
    if (!isRecord(value)) return value;
    for (const key of Object.keys(value)) {
      const name = fixes.has(key) ? key : folded.get(key.toLowerCase());
      const item = value[key];
      if (name === undefined) {
        delete value[key];
        continue;
      }
      if (name !== key) delete value[key];
      if (item === null || item === undefined) {
        delete value[key];
        continue;
      }
      const fix = fixes.get(name);
      value[name] = fix === undefined ? item : fix(item);
    }
    return value;
  };
}

function mapFix(values: Shape): Fix {
  const fix = fixOf(values);
  const zero = zeroOf(values);
  return (value) => {
    if (!isRecord(value)) return value;
    for (const key of Object.keys(value)) {
      if (value[key] === null) value[key] = zero;
      else if (fix !== undefined) value[key] = fix(value[key]);
    }
    return value;
  };
}

const goTypes: Readonly<Record<string, string>> = { string: "string", integer: "int64", boolean: "bool" };

/** How Go's decoder calls the type that a value should have. */
function goTypeOf(shape: Shape): string {
  if (shape.goType !== undefined) return shape.goType;
  if (shape.anyOf !== undefined) return goTypeOf(shape.anyOf.find((s) => s.type !== "null") ?? {});
  if (shape.type === "array") return `[]${goTypeOf((shape.items ?? {}) as Shape)}`;
  if (shape.type === "object") return `map[string]${goTypeOf(mapValues(shape) ?? { type: "string" })}`;
  return goTypes[shape.type ?? ""] ?? "object";
}

/** What Go's decoder calls a JSON value. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  // What is no whole number of Go's, see go-json.ts.
  if (typeof value === "symbol") return "number";
  return typeof value;
}

/** Says what is wrong as Go's decoder does, for the first value that has the wrong type. */
function explain(shape: Shape, value: unknown, { value: type, field }: GoName): string {
  if (!hasType(shape, value)) return `cannot unmarshal ${kindOf(value)} into Go value of type ${type}`;
  return (
    mismatch(shape, value, field) ??
    `cannot unmarshal ${kindOf(value)} into Go struct field of a request body`
  );
}

function mismatch(shape: Shape, value: unknown, path: string): string | undefined {
  if (shape.anyOf !== undefined) {
    if (value === null) return undefined;
    const inner = shape.anyOf.find((s) => s.type !== "null");
    return inner === undefined ? undefined : mismatch(inner, value, path);
  }
  if (shape.stringOrList === true) {
    // A decoder of Docker's own, which has no fields.
    const right = Array.isArray(value) && value.every((item) => typeof item === "string");
    return right ? undefined : `cannot unmarshal ${kindOf(value)} into Go value of type string`;
  }
  if (!hasType(shape, value)) {
    const number = typeof value === "symbol" ? value.description : value;
    const kind = kindOf(value);
    const shown = kind === "number" && shape.type === "integer" ? `number ${String(number)}` : kind;
    const type = goTypeOf(shape);
    // Of a list's item Go knows no struct.
    const place = /\.\d+$/.test(path) ? path : `Go struct field ${path}`;
    return `cannot unmarshal ${shown} into ${place} of type ${type}`;
  }
  if (Array.isArray(value)) {
    const items = shape.items;
    for (const [i, item] of value.entries()) {
      const inner = Array.isArray(items) ? (items as readonly Shape[])[i] : (items as Shape | undefined);
      const wrong = inner === undefined ? undefined : mismatch(inner, item, `${path}.${i}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const inner = shape.properties?.[key] ?? mapValues(shape);
    const wrong = inner === undefined ? undefined : mismatch(inner, item, `${path}.${key}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isWithin({ minimum = -Infinity, maximum = Infinity }: Shape, value: number): boolean {
  return value >= minimum && value <= maximum;
}

function hasType(shape: Shape, value: unknown): boolean {
  switch (shape.type) {
    case "string":
    case "boolean":
      return typeof value === shape.type;
    case "integer":
      return Number.isInteger(value) && isWithin(shape, Number(value));
    case "array":
      return Array.isArray(value);
    case "object":
      return isRecord(value);
    default:
      return true;
  }
}
