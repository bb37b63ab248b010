/**
 * The HEALTHCHECK instruction.
 * Source: Dockerfile reference, "HEALTHCHECK"; texts of BuildKit's instructions parser.
 * @module
 */
import { failure, type CaissonError } from "../../errors/mod.ts";
import type { HealthConfig } from "../config.ts";
import { jsonWords } from "./json-words.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const times = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

/** What follows the word HEALTHCHECK, as configuration. Throws `invalid-parameter` in Docker's words. */
export function parseHealthcheck(text: string): HealthConfig {
  const { flags, rest } = splitFlags(text);
  if (rest === "") throw bad("HEALTHCHECK requires at least one argument");
  const match = /^(\S+)\s*([^]*)$/.exec(rest);
  const type = (match?.[1] ?? "").toUpperCase();
  const command = (match?.[2] ?? "").trim();
  if (type === "NONE") {
    if (command !== "") throw bad("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (type !== "CMD") throw bad(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  const words = jsonWords(command);
  if (words === undefined ? command === "" : words.length === 0)
    throw bad("Missing command after HEALTHCHECK CMD");
  const health: Mutable<HealthConfig> = {
    Test: words === undefined ? ["CMD-SHELL", command] : ["CMD", ...words],
  };
  for (const [name, value] of flags) setFlag(health, name, value);
  return health;
}

function splitFlags(text: string): { readonly flags: ReadonlyMap<string, string>; readonly rest: string } {
  const flags = new Map<string, string>();
  let rest = text.trim();
  for (
    let match = /^--(\S*)\s*/.exec(rest);
    match !== null && match[1] !== "";
    match = /^--(\S*)\s*/.exec(rest)
  ) {
    const [name = "", ...value] = (match[1] ?? "").split("=");
    if (!Object.hasOwn(times, name) && name !== "retries") throw bad(`unknown flag: --${name}`);
    if (value.length === 0) throw bad(`missing a value on flag: --${name}`);
    if (flags.has(name)) throw bad(`duplicate flag specified: --${name}`);
    flags.set(name, value.join("="));
    rest = rest.slice(match[0].length);
  }
  return { flags, rest };
}

function setFlag(health: Mutable<HealthConfig>, name: string, value: string): void {
  if (name === "retries") {
    const retries = /^[+-]?\d{1,9}$/.test(value) ? Number(value) : undefined;
    if (retries === undefined)
      throw bad(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    if (retries < 0) throw bad(`--retries cannot be negative (${retries})`);
    if (retries > 0) health.Retries = retries;
    return;
  }
  const nanoseconds = parseDuration(value);
  if (nanoseconds < 1e6 && nanoseconds !== 0) throw bad(`Interval "${name}" cannot be less than 1ms`);
  if (nanoseconds !== 0) health[times[name as keyof typeof times]] = nanoseconds;
}

const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of a duration as Go writes it: `1h2m3.5s`. Throws `invalid-parameter` in Go's words. */
export function parseDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const unsigned = text.replace(/^[+-]/, "");
  if (unsigned === "0") return 0;
  let total = 0;
  let rest = unsigned;
  while (rest !== "") {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (match === null) throw bad(`time: invalid duration ${quoted}`);
    const [whole, number, unit = ""] = match;
    if (unit === "") throw bad(`time: missing unit in duration ${quoted}`);
    const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (factor === undefined) throw bad(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    total += Number(number) * factor;
    rest = rest.slice(whole.length);
  }
  if (unsigned === "" || total > Number.MAX_SAFE_INTEGER) throw bad(`time: invalid duration ${quoted}`);
  return Math.round(text.startsWith("-") ? -total : total);
}

function bad(message: string): CaissonError {
  return failure("invalid-parameter", { message });
}
