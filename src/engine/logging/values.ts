/**
 * Values of log options, read as the packages of Go that Docker uses read them, with their texts.
 * @module
 */
import { failure, goQuoted, type CaissonError } from "../../errors/mod.ts";

/** An option that can't be. */
export function wrongOption(message: string): CaissonError {
  return failure("invalid-parameter", { message });
}

const multiples = ["b", "k", "m", "g", "t", "p"];

/** Bytes of `10m`, `1.5 GiB`; the letters stand for powers of `base`. @throws invalid-parameter in go-units' words */
export function parseBytes(text: string, base: 1000 | 1024): number {
  const match = /^([\s\S]*[\d. ])(\D*)$/.exec(text);
  const number = match?.[1]?.endsWith(" ") === true ? match[1].slice(0, -1) : match?.[1];
  const invalid = wrongOption(`invalid size: '${text}'`);
  if (number === undefined) throw invalid;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(number))
    throw wrongOption(`strconv.ParseFloat: parsing ${goQuoted(number)}: invalid syntax`);
  const suffix = (match?.[2] ?? "").toLowerCase();
  if (Number(number) < 0) throw invalid;
  if (!/^(b|[kmgtp](i?b)?)?$/.test(suffix)) throw wrongOption(`invalid suffix: '${suffix}'`);
  const power = multiples.indexOf(suffix[0] ?? "b");
  return Math.trunc(Number(number) * base ** power);
}

/** @throws invalid-parameter in strconv's words */
export function parseBool(text: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw wrongOption(`strconv.ParseBool: parsing ${goQuoted(text)}: invalid syntax`);
}

const durationUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of `1m30s`. @throws invalid-parameter in Go's words */
export function parseDuration(text: string): number {
  const quoted = goQuoted(text);
  const sign = text.startsWith("-") ? -1 : 1;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") throw wrongOption(`time: invalid duration ${quoted}`);
  let sum = 0;
  while (rest !== "") {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (match === null) throw wrongOption(`time: invalid duration ${quoted}`);
    const [whole, number = "", unit = ""] = match;
    if (unit === "") throw wrongOption(`time: missing unit in duration ${quoted}`);
    const factor = durationUnits[unit];
    if (factor === undefined) throw wrongOption(`time: unknown unit ${goQuoted(unit)} in duration ${quoted}`);
    sum += Number(number) * factor;
    rest = rest.slice(whole.length);
  }
  return sign * sum;
}

/** Matches names by a regular expression; an empty one matches none. @throws invalid-parameter in Go's words */
export function parsePattern(pattern: string): (name: string) => boolean {
  if (pattern === "") return () => false;
  try {
    const expression = new RegExp(pattern);
    return (name) => expression.test(name);
  } catch (error) {
    const group = error instanceof Error && /missing \)|Unterminated group/i.test(error.message);
    const what = group ? "missing closing )" : "invalid pattern";
    throw failure("invalid-parameter", { message: `error parsing regexp: ${what}: \`${pattern}\`` }, error);
  }
}

/** An address of a log server, taken apart as Go's net/url does. */
export interface LogUrl {
  readonly scheme: string;
  /** `example.com:514` */
  readonly host: string;
  readonly path: string;
}

/** @throws invalid-parameter in net/url's words */
export function parseUrl(text: string): LogUrl {
  const wrong = (what: string): CaissonError => wrongOption(`parse ${goQuoted(text)}: ${what}`);
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  if (match === null) {
    if (text.startsWith(":")) throw wrong("missing protocol scheme");
    if ((text.split("/")[0] ?? "").includes(":"))
      throw wrong("first path segment in URL cannot contain colon");
    return { scheme: "", host: "", path: text };
  }
  const [, scheme = "", rest = ""] = match;
  if (!rest.startsWith("//")) return { scheme: scheme.toLowerCase(), host: "", path: rest };
  const [, host = "", path = ""] = /^([^/?#]*)([^?#]*)/.exec(rest.slice(2)) ?? [];
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port))
    throw wrong(`invalid port ${goQuoted(`:${port}`)} after host`);
  return { scheme: scheme.toLowerCase(), host, path };
}

/** Host and port of `example.com:514`, `[::1]:514`; undefined port: there is none. */
export function splitHostPort(text: string): { readonly host: string; readonly port?: string } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text);
  if (match === null) throw wrongOption(`address ${text}: too many colons in address`);
  const host = match[1] ?? match[2] ?? "";
  return match[3] === undefined ? { host } : { host, port: match[3] };
}
