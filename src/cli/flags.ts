/**
 * Flags with the semantics of Go's pflag, which docker's command line has: `--rm` takes a value only by `=`, `-it` sets
 * two, `-e=A` and `-eA` are the same, and where it matters parsing stops at the first positional argument.
 * @module
 */
import { failure, messageOf } from "../errors/mod.ts";
import { checkValue } from "./flag-values.ts";

/** The kind of a flag's value; its name is what the help shows. */
export type FlagType =
  | "bool"
  | "string"
  | "int"
  | "uint"
  | "uint16"
  | "bytes"
  | "duration"
  | "decimal"
  | "list"
  | "strings"
  | "map"
  | "filter"
  | "mount"
  | "network"
  | "ulimit"
  | "gpu-request";

/** One flag of a command. */
export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  readonly type: FlagType;
  readonly usage: string;
  /** The default as the help shows it. */
  readonly shown?: string;
  /** Older spellings, not in the help. */
  readonly formerly?: readonly string[];
  readonly hidden?: boolean;
  /** Checks one value while parsing and returns the form to keep; throws what is wrong with it. */
  readonly take?: (value: string) => string;
}

/** The flags that were given, in the order they were given. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** These flags with more values; what is there already stays. */
  with(values: ReadonlyMap<string, readonly string[]>): Flags {
    return new Flags(new Map([...values, ...this.#values]));
  }

  /** Whether the flag was given at all. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The last value, or undefined when the flag wasn't given. */
  string(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** A boolean; `fallback` when the flag wasn't given. */
  bool(name: string, fallback = false): boolean {
    const value = this.string(name);
    return value === undefined ? fallback : trueWords.has(value);
  }

  /** An integer, as Go's ParseInt with base 0 reads it. */
  int(name: string): number | undefined {
    const value = this.string(name);
    return value === undefined ? undefined : Number(value.replaceAll("_", "").replace(/^\+/, ""));
  }

  /** All values of a repeatable flag. */
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

const trueWords: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);

/** What parsing found: the flags, the positional arguments, and whether help was asked for. */
export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly help: boolean;
}

/**
 * Parses `argv` after the command's name.
 * @param interspersed whether flags may follow positional arguments
 * @throws usage with pflag's text
 */
export function parseFlags(
  specs: readonly FlagSpec[],
  argv: readonly string[],
  interspersed: boolean,
): Parsed {
  const parser = new Parser(specs);
  return parser.parse(argv, interspersed);
}

class Parser {
  readonly #long = new Map<string, FlagSpec>();
  readonly #short = new Map<string, FlagSpec>();
  readonly #values = new Map<string, string[]>();
  #help = false;

  constructor(specs: readonly FlagSpec[]) {
    for (const spec of specs) {
      this.#long.set(spec.name, spec);
      for (const former of spec.formerly ?? []) this.#long.set(former, spec);
      if (spec.short !== undefined) this.#short.set(spec.short, spec);
    }
  }

  parse(argv: readonly string[], interspersed: boolean): Parsed {
    const args: string[] = [];
    const rest = [...argv];
    for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
      if (word === "--") {
        args.push(...rest);
        break;
      }
      if (word === "-" || !word.startsWith("-")) {
        args.push(word);
        if (interspersed) continue;
        args.push(...rest);
        break;
      }
      if (word.startsWith("--")) this.#parseLong(word, rest);
      else this.#parseShorts(word.slice(1), rest);
      if (this.#help) break;
    }
    return { flags: new Flags(this.#values), args, help: this.#help };
  }

  #parseLong(word: string, rest: string[]): void {
    const at = word.indexOf("=");
    const name = at < 0 ? word.slice(2) : word.slice(2, at);
    if (name === "" || name.startsWith("-")) throw usage(`bad flag syntax: ${word}`);
    if (name === "help") {
      this.#help = true;
      return;
    }
    const spec = this.#long.get(name);
    if (spec === undefined) throw usage(`unknown flag: --${name}`);
    if (at >= 0) this.#set(spec, word.slice(at + 1));
    else if (spec.type === "bool") this.#set(spec, "true");
    else this.#set(spec, take(rest, `flag needs an argument: --${name}`));
  }

  #parseShorts(letters: string, rest: string[]): void {
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i] ?? "";
      const spec = this.#short.get(letter);
      if (spec === undefined) {
        if (letter === "h") {
          this.#help = true;
          return;
        }
        throw usage(`unknown shorthand flag: '${letter}' in -${letters.slice(i)}`);
      }
      const after = letters.slice(i + 1);
      if (after.length > 1 && after.startsWith("=")) return this.#set(spec, after.slice(1));
      if (spec.type === "bool") {
        this.#set(spec, "true");
        continue;
      }
      const wanting = `flag needs an argument: '${letter}' in -${letters.slice(i)}`;
      return this.#set(spec, after === "" ? take(rest, wanting) : after);
    }
  }

  #set(spec: FlagSpec, value: string): void {
    let kept: string;
    try {
      checkValue(spec.type, value);
      kept = spec.take?.(value) ?? value;
    } catch (error) {
      const flag = spec.short === undefined ? `--${spec.name}` : `-${spec.short}, --${spec.name}`;
      throw usage(`invalid argument ${JSON.stringify(value)} for "${flag}" flag: ${messageOf(error)}`);
    }
    const values = this.#values.get(spec.name) ?? [];
    this.#values.set(spec.name, values);
    if (spec.type === "strings") values.push(...kept.split(","));
    else values.push(kept);
  }
}

function take(rest: string[], wanting: string): string {
  const value = rest.shift();
  if (value === undefined) throw usage(wanting);
  return value;
}

function usage(message: string): Error {
  return failure("usage", { message });
}
