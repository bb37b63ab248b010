/**
 * What a request says in its query and its form, with Docker's rules for flags, numbers, times and filters.
 * @module
 */
import { parseInteger, type Filters } from "../engine/mod.ts";
import { failure, goQuoted } from "../errors/mod.ts";

const falsehoods = new Set(["", "0", "no", "false", "none"]);
const uint32Maximum = 2n ** 32n - 1n;
/** What Go takes for the beginning of time, in seconds since the epoch: nothing is before it. */
export const goZeroTime = -62_135_596_800n;

/** A request's parameters: a form's fields go before the query's, as Go's `Request.Form` has them. */
export class Query {
  readonly #sources: readonly URLSearchParams[];

  /**
   * `search` is what follows the question mark; `form` a body of `application/x-www-form-urlencoded`. Throws 400 for what
   * isn't encoded as they must be.
   */
  constructor(search: string, form?: string) {
    for (const text of [search, form ?? ""]) {
      const [wrong] = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text) ?? [];
      if (wrong !== undefined)
        throw failure("invalid-parameter", { message: `invalid URL escape ${goQuoted(wrong)}` });
    }
    const query = new URLSearchParams(search);
    this.#sources = form === undefined ? [query] : [new URLSearchParams(form), query];
  }

  /** The first value, undefined if the parameter was not given. */
  optional(name: string): string | undefined {
    for (const source of this.#sources) {
      const value = source.get(name);
      if (value !== null) return value;
    }
    return undefined;
  }

  /** The first value, "" if the parameter was not given. */
  text(name: string): string {
    return this.optional(name) ?? "";
  }

  /** The first value unless it is empty. */
  nonEmpty(name: string): string | undefined {
    const value = this.optional(name);
    return value === "" ? undefined : value;
  }

  /** All values of a parameter that may be repeated. */
  all(name: string): string[] {
    return this.#sources.flatMap((source) => source.getAll(name));
  }

  /** "", 0, no, false and none are false in any case of letters; everything else is true. */
  flag(name: string, absent = false): boolean {
    const value = this.optional(name);
    return value === undefined ? absent : !falsehoods.has(value.trim().toLowerCase());
  }

  /** A truth value as Go's ParseBool reads it; absent and empty are false. Throws 400 in dockerd's words. */
  strictFlag(name: string, message?: (value: string) => string): boolean {
    const value = this.text(name);
    if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
    if (value === "" || /^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
    const reason = `strconv.ParseBool: parsing ${goQuoted(value)}: invalid syntax`;
    throw failure("invalid-parameter", {
      message: message?.(value) ?? `invalid value for ${name}: ${value}: ${reason}`,
    });
  }

  /** A decimal number, undefined if it was not given or empty. Throws 400 with Go's text behind `doing`, where dockerd has 500. */
  integer(name: string, doing = ""): number | undefined {
    const value = this.nonEmpty(name);
    if (value === undefined) return undefined;
    return Number(parseInteger(value, `${doing}strconv.Atoi`));
  }

  /** A side of a terminal, which must be given. */
  dimension(name: string, called: string): number {
    const value = this.text(name);
    const wrong = (why: string): never => {
      throw failure("invalid-parameter", {
        message: `invalid resize ${called} ${goQuoted(value)}: ${why}`,
      });
    };
    if (!/^-?\d+$/.test(value)) return wrong("invalid syntax");
    if (value.startsWith("-") || BigInt(value) > uint32Maximum) return wrong("value out of range");
    return Number(value);
  }

  /**
   * A time as seconds since the epoch with up to nine decimals, in nanoseconds. What Go's clock can't hold is, as there, a
   * time long ago.
   * @param none what stands for no time
   */
  time(name: string, none: RegExp): bigint | undefined {
    const value = this.nonEmpty(name);
    if (value === undefined || none.test(value)) return undefined;
    const dot = value.indexOf(".");
    const seconds = parseInteger(dot < 0 ? value : value.slice(0, dot), "strconv.ParseInt");
    const whole = (BigInt.asIntN(64, seconds - goZeroTime) + goZeroTime) * 1_000_000_000n;
    const fraction = dot < 0 ? "0" : value.slice(dot + 1);
    parseInteger(fraction, "strconv.ParseInt");
    const part = BigInt(fraction.padEnd(9, "0").slice(0, 9));
    return whole + part;
  }

  /** The `filters`, in both of Docker's spellings. */
  filters(): Filters {
    return parseFilters(this.text("filters"));
  }
}

/**
 * Filters from `{"name":{"value":true}}` or the older `{"name":["value"]}`. The names are the engine's to check.
 * Throws `invalid-filter` for anything else.
 */
export function parseFilters(text: string): Filters {
  const filters = new Map<string, readonly string[]>();
  if (text === "") return filters;
  const value = parseJson(text);
  if (value === null) return filters;
  if (typeof value !== "object" || Array.isArray(value)) throw failure("invalid-filter", {});
  let spelling: "set" | "list" | undefined;
  for (const [name, values] of Object.entries(value as Record<string, unknown>)) {
    if (values === null) {
      filters.set(name, []);
      continue;
    }
    if (typeof values !== "object") throw failure("invalid-filter", {});
    const kind = Array.isArray(values) ? "list" : "set";
    if (spelling !== undefined && spelling !== kind) throw failure("invalid-filter", {});
    spelling = kind;
    const wrongly = Array.isArray(values)
      ? values.some((v) => typeof v !== "string")
      : Object.values(values).some((v) => typeof v !== "boolean");
    if (wrongly) throw failure("invalid-filter", {});
    filters.set(name, Array.isArray(values) ? (values as string[]) : Object.keys(values));
  }
  return filters;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw failure("invalid-filter", {}, error);
  }
}
