/**
 * Values of daemon.json as the words that the same setting's flag would have been given.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { jsonFormOf, type DaemonSetting, type JsonForm } from "./daemon-setting.ts";

/** What Go's decoder calls the type that a form is read into. */
const goTypes: Readonly<Record<JsonForm, string>> = {
  bool: "bool",
  int: "int",
  string: "string",
  strings: "[]string",
  map: "map[string]string",
  switches: "map[string]bool",
  ulimits: "map[string]*container.Ulimit",
  pools: "opts.PoolsOpt",
  "options-by-driver": "map[string]map[string]string",
  any: "object",
};

/** The words that say the same as a key's value. @throws usage in the words of Go's decoder */
export function wordsOf(setting: DaemonSetting, key: string, value: unknown): readonly string[] {
  const form = jsonFormOf(setting);
  const wrong = (found: unknown, type: string = goTypes[form], inside = ""): Error => {
    const field = inside === "" ? key : `${key}.${inside}`;
    const message = `invalid JSON: json: cannot unmarshal ${kindOf(found)} into Go struct field Config.${field} of type ${type}`;
    return failure("usage", { message });
  };
  const text = (item: unknown, inside?: string): string => {
    if (typeof item === "string") return item;
    throw wrong(item, "string", inside);
  };
  const whole = (item: unknown): string => {
    if (Number.isInteger(item)) return String(item);
    throw wrong(item, "int");
  };
  const members = (item: unknown): readonly (readonly [string, unknown])[] => {
    if (typeof item === "object" && item !== null && !Array.isArray(item)) return Object.entries(item);
    throw wrong(item);
  };
  switch (form) {
    case "bool":
      if (typeof value === "boolean") return [String(value)];
      throw wrong(value);
    case "int":
      return [whole(value)];
    case "string":
      return [text(value)];
    case "strings":
      if (Array.isArray(value)) return value.map((item) => text(item));
      throw wrong(value);
    case "map":
      return members(value).map(([name, item]) => `${name}=${text(item, name)}`);
    case "switches":
      return members(value).map(([name, item]) => {
        if (typeof item === "boolean") return `${name}=${item}`;
        throw wrong(item, "bool", name);
      });
    case "ulimits":
      return members(value).map(([name, item]) => {
        const limit = new Map(members(item));
        return `${name}=${whole(limit.get("Soft") ?? 0)}:${whole(limit.get("Hard") ?? 0)}`;
      });
    case "pools":
      if (!Array.isArray(value)) throw wrong(value);
      return value.map((item) => {
        const pool = new Map(members(item));
        return `base=${text(pool.get("base") ?? "")},size=${whole(pool.get("size") ?? 0)}`;
      });
    case "options-by-driver":
      return members(value).flatMap(([driver, options]) =>
        members(options).map(([option, item]) => `${driver}=${option}=${text(item)}`),
      );
    case "any":
      return [JSON.stringify(value)];
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "number" : `number ${value}`;
  return typeof value === "boolean" ? "bool" : typeof value;
}
