/**
 * Values of flags as Go's packages read them, with their error texts: booleans, integers, sizes, durations, decimals.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { FlagType } from "./flags.ts";

/** Checks that `value` is one of `type`. @throws usage with Go's text */
export function checkValue(type: FlagType, value: string): void {
  switch (type) {
    case "bool":
      if (!/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)) {
        throw wrong(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
      }
      return;
    case "int":
      return checkInteger(
        "ParseInt",
        value,
        /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/,
        2 ** 63,
      );
    case "uint":
      return checkInteger("ParseUint", value, /^(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/, 2 ** 64);
    case "uint16":
      return checkInteger("ParseUint", value, /^(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$/, 2 ** 16);
    case "bytes":
      if (value !== "-1") parseBytes(value);
      return;
    case "duration":
      parseDuration(value);
      return;
    case "decimal":
      parseNanoCpus(value);
      return;
    case "filter":
      if (value !== "" && !value.includes("=")) {
        throw wrong("bad format of filter (expected name=value)");
      }
      return;
    default:
  }
}

function checkInteger(what: string, value: string, form: RegExp, limit: number): void {
  const said = `strconv.${what}: parsing ${JSON.stringify(value)}`;
  if (!form.test(value)) throw wrong(`${said}: invalid syntax`);
  if (Math.abs(Number(value.replaceAll("_", ""))) >= limit) throw wrong(`${said}: value out of range`);
}

/**
 * A size in bytes as docker's units package reads it: `512`, `64m`, `1.5 GiB`; units are powers of 1024.
 * @throws usage `invalid size: 'x'`
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtpBKMGTP])?(?:i?[bB])?$/.exec(text);
  if (match === null) throw wrong(`invalid size: '${text}'`);
  const power = "bkmgtp".indexOf((match[2] ?? "b").toLowerCase());
  return Math.floor(Number(match[1]) * 1024 ** power);
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** A duration as Go writes it (`1h30m`, `1.5s`, `-2ms`), in nanoseconds. @throws usage with Go's text */
export function parseDuration(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (body === "") throw wrong(`time: invalid duration ${JSON.stringify(text)}`);
  let sum = 0;
  const part = /(\d+\.?\d*|\.\d+)([a-zµμ]*)/y;
  while (part.lastIndex < body.length) {
    const match = part.exec(body);
    if (match === null) throw wrong(`time: invalid duration ${JSON.stringify(text)}`);
    const unit = match[2] ?? "";
    const scale = Object.hasOwn(nanoseconds, unit) ? nanoseconds[unit] : undefined;
    if (scale === undefined) {
      throw wrong(
        unit === ""
          ? `time: missing unit in duration ${JSON.stringify(text)}`
          : `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`,
      );
    }
    sum += Number(match[1]) * scale;
  }
  return sign * Math.round(sum);
}

/** A number of CPUs (`1.5`, `1/2`) in billionths. @throws usage with docker's text */
export function parseNanoCpus(text: string): number {
  const match = /^([+-]?\d*\.?\d+|[+-]?\d+\.)(?:\/(\d+))?$/.exec(text);
  if (match === null) throw wrong(`failed to parse ${text} as a rational number`);
  const nano = (Number(match[1]) * 1e9) / Number(match[2] ?? 1);
  const rounded = Math.round(nano);
  if (Math.abs(nano - rounded) > 1e-3) throw wrong("value is too precise");
  return rounded;
}

function wrong(message: string): Error {
  return failure("usage", { message });
}
