/**
 * Go's text/template, second step: the tree of a template.
 * @module
 */
import { functionNames } from "./function-names.ts";
import { pieces, syntaxError, type Piece, type Token } from "./lex.ts";

/** Something that has a value. `source` and `at` are for messages. */
export type Expression = { readonly at: number; readonly source: string } & (
  | { readonly kind: "literal"; readonly value: unknown }
  | { readonly kind: "dot" }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "chain"; readonly of: Expression; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipe"; readonly pipe: Pipe }
);

/** Expressions side by side: the first is called with the others. */
export interface Call {
  readonly words: readonly Expression[];
  readonly at: number;
  readonly source: string;
}

/** Calls joined by `|`, perhaps assigned to variables. */
export interface Pipe {
  readonly variables: readonly string[];
  /** Whether the variables are new (`:=`). */
  readonly declares: boolean;
  readonly calls: readonly Call[];
}

/** A node of the tree. */
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly else: readonly Node[];
    }
  | { readonly kind: "break" | "continue" };

/** Parses a template. @throws command-failed with Go's text (`template: :1: …`) */
export function parseTemplate(source: string): readonly Node[] {
  return new Parser(source, pieces(source)).parse();
}

type Block = "if" | "with" | "range";

class Parser {
  readonly #source: string;
  readonly #pieces: readonly Piece[];
  #next = 0;

  constructor(source: string, all: readonly Piece[]) {
    this.#source = source;
    this.#pieces = all;
  }

  parse(): readonly Node[] {
    const { nodes, stopped } = this.#nodes();
    if (stopped !== undefined) throw this.#error(stopped.at, `unexpected {{${stopped.word}}}`);
    return nodes;
  }

  #error(at: number, what: string): Error {
    return syntaxError(this.#source, at, what);
  }

  /** Nodes up to an `else` or `end`, which is left to the caller. */
  #nodes(): { nodes: Node[]; stopped?: { word: string; at: number; rest: readonly Token[] } } {
    const nodes: Node[] = [];
    for (let piece = this.#pieces[this.#next++]; piece !== undefined; piece = this.#pieces[this.#next++]) {
      if (piece.kind === "text") {
        nodes.push(piece);
        continue;
      }
      const tokens = trimSpaces(piece.tokens);
      const [first, ...rest] = tokens;
      const word = first?.kind === "name" ? first.text : "";
      if (word === "else" || word === "end")
        return { nodes, stopped: { word, at: piece.at, rest: trimSpaces(rest) } };
      if (word === "if" || word === "with" || word === "range") nodes.push(this.#block(word, rest, piece.at));
      else if (word === "break" || word === "continue") nodes.push({ kind: word });
      else if (tokens.length === 0) throw this.#error(piece.at, "missing value for command");
      else nodes.push({ kind: "print", pipe: this.#pipe(tokens, "command", piece.at) });
    }
    return { nodes };
  }

  #block(kind: Block, tokens: readonly Token[], at: number): Node {
    const pipe = this.#pipe(trimSpaces(tokens), kind, at);
    const { nodes: body, stopped } = this.#nodes();
    if (stopped === undefined) throw this.#error(this.#source.length, "unexpected EOF");
    if (stopped.word === "end") return { kind, pipe, body, else: [] };
    const [chained, ...rest] = stopped.rest;
    if (chained?.kind === "name" && (chained.text === "if" || chained.text === "with")) {
      return { kind, pipe, body, else: [this.#block(chained.text, rest, stopped.at)] };
    }
    const otherwise = this.#nodes();
    if (otherwise.stopped === undefined) throw this.#error(this.#source.length, "unexpected EOF");
    if (otherwise.stopped.word !== "end")
      throw this.#error(otherwise.stopped.at, "expected end; found {{else}}");
    return { kind, pipe, body, else: otherwise.nodes };
  }

  #pipe(tokens: readonly Token[], context: string, at: number): Pipe {
    const assigned = tokens.findIndex((token) => token.text === ":=" || token.text === "=");
    const variables =
      assigned < 0
        ? []
        : tokens
            .slice(0, assigned)
            .filter((t) => t.kind === "variable")
            .map((t) => t.text);
    const body = trimSpaces(assigned < 0 ? tokens : tokens.slice(assigned + 1));
    if (body.length === 0) throw this.#error(at, `missing value for ${context}`);
    const calls = splitPipe(body).map((part) => this.#call(trimSpaces(part), context, at));
    return { variables, declares: tokens[assigned]?.text === ":=", calls };
  }

  #call(tokens: readonly Token[], context: string, at: number): Call {
    const [first] = tokens;
    const last = tokens.at(-1);
    if (first === undefined || last === undefined) throw this.#error(at, `missing value for ${context}`);
    const words: Expression[] = [];
    for (let i = 0; i < tokens.length;) {
      if (tokens[i]?.kind === "space") {
        i++;
        continue;
      }
      const { expression, next } = this.#operand(tokens, i);
      words.push(expression);
      i = next;
    }
    return { words, at: first.at, source: this.#source.slice(first.at, last.at + last.text.length) };
  }

  #operand(tokens: readonly Token[], start: number): { expression: Expression; next: number } {
    const token = tokens[start];
    if (token === undefined) throw this.#error(this.#source.length, "unexpected EOF");
    let next = start + 1;
    let inner: Expression | undefined;
    if (token.text === "(") {
      const close = closing(tokens, start);
      if (close < 0) throw this.#error(token.at, "unclosed left paren");
      const pipe = this.#pipe(trimSpaces(tokens.slice(start + 1, close)), "parenthesized pipeline", token.at);
      next = close + 1;
      inner = {
        kind: "pipe",
        pipe,
        at: token.at,
        source: this.#source.slice(token.at, (tokens[close]?.at ?? 0) + 1),
      };
    }
    const path: string[] = token.kind === "field" ? [token.text.slice(1)] : [];
    while (tokens[next]?.kind === "field") path.push((tokens[next++]?.text ?? "").slice(1));
    const last = tokens[next - 1] ?? token;
    const place = {
      // Go counts a chain of fields from its second link.
      at: next > start + 1 && token.text !== "(" ? (tokens[start + 1]?.at ?? token.at) : token.at,
      source: this.#source.slice(token.at, last.at + last.text.length),
    };
    if (inner !== undefined) {
      return { next, expression: path.length === 0 ? inner : { ...place, kind: "chain", of: inner, path } };
    }
    return { next, expression: { ...place, ...this.#simple(token, path) } };
  }

  #simple(
    token: Token,
    path: readonly string[],
  ):
    | { kind: "literal"; value: unknown }
    | { kind: "dot" }
    | { kind: "variable"; name: string; path: readonly string[] }
    | { kind: "field"; path: readonly string[] }
    | { kind: "function"; name: string } {
    switch (token.kind) {
      case "field":
        return { kind: "field", path };
      case "variable":
        return { kind: "variable", name: token.text, path };
      case "string":
        return { kind: "literal", value: unquote(token.text) };
      case "number":
        return { kind: "literal", value: Number(token.text.replaceAll("_", "")) };
      case "bool":
        return { kind: "literal", value: token.text === "true" };
      case "nil":
        return { kind: "literal", value: null };
      case "name":
        if (!functionNames.has(token.text)) {
          throw this.#error(token.at, `function ${JSON.stringify(token.text)} not defined`);
        }
        return { kind: "function", name: token.text };
      default:
        if (token.text === ".") return { kind: "dot" };
        throw this.#error(token.at, `unexpected ${JSON.stringify(token.text)} in operand`);
    }
  }
}

function trimSpaces(tokens: readonly Token[]): readonly Token[] {
  let start = 0;
  let end = tokens.length;
  while (tokens[start]?.kind === "space") start++;
  while (end > start && tokens[end - 1]?.kind === "space") end--;
  return tokens.slice(start, end);
}

function splitPipe(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === "(" && token.kind === "symbol") depth++;
    if (token.text === ")" && token.kind === "symbol") depth--;
    if (token.text === "|" && token.kind === "symbol" && depth === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]?.kind !== "symbol") continue;
    if (tokens[i]?.text === "(") depth++;
    if (tokens[i]?.text === ")" && --depth === 0) return i;
  }
  return -1;
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  f: "\f",
  v: "\v",
};

function unquote(text: string): unknown {
  if (text.startsWith("`")) return text.slice(1, -1);
  const value = text
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/g,
      (_, x, u, big, one: string) => {
        const code: unknown = x ?? u ?? big;
        return typeof code === "string"
          ? String.fromCodePoint(Number.parseInt(code, 16))
          : (escapes[one] ?? one);
      },
    );
  return text.startsWith("'") ? value.codePointAt(0) : value;
}
