/**
 * Words of a Dockerfile instruction: splitting at blanks, quotes, and variables.
 * Source: BuildKit's frontend/dockerfile parser (`parseWords`) and shell lexer (`ProcessWord`).
 * @module
 */
import { failure } from "../../errors/mod.ts";

/** Value of a variable, undefined if it isn't set. */
export type Variables = (name: string) => string | undefined;

/** Splits at blanks outside of quotes; quotes and backslashes stay. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote === "" && /\s/.test(character)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += character;
    if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = "";
    else if (character === "\\" && quote !== "'" && at + 1 < text.length) word += text[++at];
  }
  return word === "" ? words : [...words, word];
}

/** Takes quotes and backslashes away and puts the values of variables in. Throws `invalid-parameter`. */
export function expandWord(word: string, variables: Variables): string {
  return new Expansion(word, variables).run();
}

class Expansion {
  readonly #word: string;
  readonly #variables: Variables;
  #at = 0;

  constructor(word: string, variables: Variables) {
    this.#word = word;
    this.#variables = variables;
  }

  run(): string {
    let result = "";
    while (this.#at < this.#word.length) {
      const character = this.#next();
      if (character === "'") result += this.#until("'");
      else if (character === '"') result += this.#doubleQuoted();
      else if (character === "$") result += this.#variable();
      else if (character === "\\") result += this.#next();
      else result += character;
    }
    return result;
  }

  #next(): string {
    return this.#word[this.#at++] ?? "";
  }

  #until(end: string): string {
    const stop = this.#word.indexOf(end, this.#at);
    if (stop < 0) throw this.#bad(`unexpected end of statement while looking for matching ${nameOf(end)}`);
    const text = this.#word.slice(this.#at, stop);
    this.#at = stop + 1;
    return text;
  }

  #doubleQuoted(): string {
    let result = "";
    while (this.#at < this.#word.length) {
      const character = this.#next();
      if (character === '"') return result;
      if (character === "$") result += this.#variable();
      else if (character !== "\\") result += character;
      else {
        const escaped = this.#next();
        result += escaped === '"' || escaped === "$" || escaped === "\\" ? escaped : `\\${escaped}`;
      }
    }
    throw this.#bad("unexpected end of statement while looking for matching double-quote");
  }

  #variable(): string {
    if (this.#word[this.#at] === "{") return this.#braced();
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/.exec(this.#word.slice(this.#at))?.[0];
    if (name === undefined) return "$";
    this.#at += name.length;
    return this.#variables(name) ?? "";
  }

  /** `${name}`, `${name:-word}` if it is empty, `${name:+word}` if it isn't; without the colon, if it is unset. */
  #braced(): string {
    this.#at += 1;
    const inner = this.#until("}");
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-+])([^]*))?$/.exec(inner);
    if (match === null) throw this.#bad("unsupported modifier in substitution");
    const value = this.#variables(match[1] ?? "");
    const isSet = match[2] === ":" ? value !== undefined && value !== "" : value !== undefined;
    const word = match[4] ?? "";
    if (match[3] === "-") return isSet ? (value ?? "") : expandWord(word, this.#variables);
    if (match[3] === "+") return isSet ? expandWord(word, this.#variables) : "";
    return value ?? "";
  }

  #bad(reason: string): Error {
    return failure("invalid-parameter", { message: `failed to process "${this.#word}": ${reason}` });
  }
}

function nameOf(end: string): string {
  return end === "'" ? "single-quote" : "}";
}
