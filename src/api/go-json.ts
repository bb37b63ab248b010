/**
 * Reads JSON as Go's decoder would, as far as a client can tell: the texts of its syntax errors, and content after the
 * value. The values themselves come from JSON.parse; only text that it refuses is looked at again.
 * @module
 */
import { failure } from "../errors/mod.ts";

/**
 * Parses a body; odd numbers are symbols, see {@link kept}. Throws 400 with Go's words: `invalid JSON: unexpected EOF`,
 * `unexpected content after JSON`.
 */
export function parseBody(text: string): unknown {
  if (isTooDeep(text)) throw failure("invalid-parameter", { message: "invalid JSON: exceeded max depth" });
  try {
    return /\d[.eE]|\d{19}/.test(text)
      ? (JSON.parse(text, (_: string, value: unknown, ...[at]: ParsedAt[]) => kept(value, at)) as unknown)
      : (JSON.parse(text) as unknown);
  } catch (error) {
    throw failure("invalid-parameter", { message: complaint(text) }, error);
  }
}

/** What a reviver is told of a value that is none of others: its text. */
interface ParsedAt {
  readonly source?: string;
}

const [least, beyond] = [-(2n ** 63n), 2n ** 64n];

/**
 * A number that no whole number of Go's is read from (`1.0`, `1e3`, or beyond 64 bits) becomes a symbol of its text: no type
 * that a field may have, and its text is what Go shows.
 */
function kept(value: unknown, at: ParsedAt | undefined): unknown {
  const source = at?.source;
  if (typeof value !== "number" || source === undefined) return value;
  if (/[.eE]/.test(source)) return Symbol(source);
  const whole = BigInt(source);
  return whole >= beyond || whole < least ? Symbol(source) : value;
}

/** Lists and objects within each other that Go's decoder takes. */
const deepest = 10_000;

/** Whether a text has more of them. A parser that follows each by a call of its own has no end of stack here. */
function isTooDeep(text: string): boolean {
  if (text.length <= deepest) return false;
  let depth = 0;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{}\]]/gs)) {
    if (part === "[" || part === "{") depth++;
    else if (part === "]" || part === "}") depth--;
    if (depth > deepest) return true;
  }
  return false;
}

function complaint(text: string): string {
  if (text.trim() === "") return "invalid JSON: got EOF while reading request body";
  const scanner = new Scanner(text);
  const wrong = scanner.value();
  if (wrong !== undefined) return `invalid JSON: ${wrong}`;
  return "unexpected content after JSON";
}

/** What is wrong with a text that JSON.parse refuses, in the words of Go's Unmarshal, which takes whole texts. */
export function jsonComplaint(text: string): string {
  const scanner = new Scanner(text);
  const wrong = scanner.value() ?? scanner.after();
  return wrong === "unexpected EOF" ? "unexpected end of JSON input" : wrong;
}

const space = new Set([" ", "\t", "\r", "\n"]);

/** Finds out where a text stops being JSON; each method answers what is wrong, or undefined and has moved on. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): string | undefined {
    const character = this.#peek();
    if (character === "{") return this.#members("}", () => this.#member(), "object key:value pair");
    if (character === "[") return this.#members("]", () => this.value(), "array element");
    if (character === '"') return this.#string();
    for (const literal of ["true", "false", "null"])
      if (character === literal.charAt(0)) return this.#literal(literal);
    return this.#number();
  }

  #number(): string | undefined {
    const negative = this.#text.charAt(this.#at) === "-";
    if (negative) this.#at++;
    if (!this.#passed(/(?:0|[1-9]\d*)/y))
      return this.#unexpected(negative ? "in numeric literal" : "looking for beginning of value");
    const cut =
      (this.#passed(/\./y) && !this.#passed(/\d+/y)) || (this.#passed(/[eE][+-]?/y) && !this.#passed(/\d+/y));
    return cut ? this.#unexpected("in numeric literal") : undefined;
  }

  /** Whether this comes next; then it is behind us. */
  #passed(what: RegExp): boolean {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text);
    this.#at += found?.[0].length ?? 0;
    return found !== null;
  }

  /** What is wrong with what follows the value. */
  after(): string {
    this.#peek();
    return this.#unexpected("after top-level value");
  }

  #members(close: string, item: () => string | undefined, after: string): string | undefined {
    this.#at++;
    if (this.#peek() === close) return this.#done();
    for (;;) {
      const wrong = item();
      if (wrong !== undefined) return wrong;
      const next = this.#peek();
      if (next === close) return this.#done();
      if (next !== ",") return this.#unexpected(`after ${after}`);
      this.#at++;
    }
  }

  #member(): string | undefined {
    if (this.#peek() !== '"') return this.#unexpected("looking for beginning of object key string");
    const wrong = this.#string();
    if (wrong !== undefined) return wrong;
    if (this.#peek() !== ":") return this.#unexpected("after object key");
    this.#at++;
    return this.value();
  }

  #string(): string | undefined {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const character = this.#text.charAt(this.#at);
      if (character === '"') return this.#done();
      if (character < " ") return this.#unexpected("in string");
      if (character !== "\\") continue;
      const wrong = this.#escape();
      if (wrong !== undefined) return wrong;
    }
    return "unexpected EOF";
  }

  /** Goes to the last character of what a backslash begins. */
  #escape(): string | undefined {
    const rest = this.#text.slice(this.#at, this.#at + 6);
    const [whole] = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/.exec(rest) ?? [];
    if (whole !== undefined) {
      this.#at += whole.length - 1;
      return undefined;
    }
    if (/^\\(?:u[\da-fA-F]{0,3})?$/.test(rest)) return "unexpected EOF";
    return `invalid escape sequence \`${rest.charAt(1) === "u" ? rest : rest.slice(0, 2)}\` in string`;
  }

  #literal(literal: string): string | undefined {
    for (let i = 1; i < literal.length; i++) {
      this.#at++;
      if (this.#text.charAt(this.#at) !== literal.charAt(i))
        return this.#unexpected(`in literal ${literal} (expecting '${literal.charAt(i)}')`);
    }
    return this.#done();
  }

  #done(): undefined {
    this.#at++;
    return undefined;
  }

  #peek(): string {
    while (space.has(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.charAt(this.#at);
  }

  #unexpected(where: string): string {
    const character = this.#text.charAt(this.#at);
    if (character === "") return "unexpected EOF";
    return `invalid character '${quoted(character)}' ${where}`;
  }
}

/** A character as Go's quotes have it. */
function quoted(character: string): string {
  if (character === "'") return "\\'";
  if (character === '"') return '"';
  const code = character.charCodeAt(0);
  // What nobody would see is told by its number.
  if (/[\p{C}\p{Z}]/u.test(character) && code > 0x7f) return `\\u${code.toString(16).padStart(4, "0")}`;
  if (/[\t\n\r\f\b]/.test(character) || (code >= 0x20 && code !== 0x7f))
    return JSON.stringify(character).slice(1, -1);
  return `\\x${code.toString(16).padStart(2, "0")}`;
}
