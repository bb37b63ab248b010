/**
 * Go's text/template, first step: text and actions, and the words of an action.
 * @module
 */
import { commandFailed } from "./command-failed.ts";

/** A word of an action, with its place in the template for messages. */
export interface Token {
  readonly kind: "field" | "variable" | "name" | "string" | "number" | "bool" | "nil" | "symbol" | "space";
  readonly text: string;
  readonly at: number;
}

/** Text to print, or an action's words. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[]; readonly at: number };

/** An error of parsing, in Go's words. */
export function syntaxError(source: string, at: number, what: string): Error {
  const line = source.slice(0, at).split("\n").length;
  return commandFailed(`template: :${line}: ${what}`);
}

/** Takes a template apart. `{{-` and `-}}` trim the text beside them. @throws command-failed with Go's text */
export function pieces(source: string): readonly Piece[] {
  const result: Piece[] = [];
  let trim = false;
  for (let at = 0; at < source.length;) {
    const open = source.indexOf("{{", at);
    const end = open < 0 ? source.length : open;
    const trimsLeft = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4));
    let text = source.slice(at, end);
    if (trim) text = text.trimStart();
    if (trimsLeft) text = text.trimEnd();
    if (text !== "") result.push({ kind: "text", text });
    if (open < 0) break;
    const inside = open + (trimsLeft ? 3 : 2);
    const comment = /^\s*\/\*/.exec(source.slice(inside));
    if (comment !== null) {
      const close = /\*\/(\s-)?\}\}/.exec(source.slice(inside));
      if (close === null) throw syntaxError(source, open, "unclosed comment");
      trim = close[1] !== undefined;
      at = inside + close.index + close[0].length;
      continue;
    }
    const { tokens, end: next, trims } = actionTokens(source, inside);
    result.push({ kind: "action", tokens, at: inside });
    trim = trims;
    at = next;
  }
  return result;
}

const patterns: readonly (readonly [Token["kind"], RegExp])[] = [
  ["space", /\s+/y],
  ["string", /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)'/y],
  ["number", /[+-]?(?:0[xX][0-9a-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)/y],
  ["bool", /(?:true|false)(?![\w.])/y],
  ["nil", /nil(?![\w.])/y],
  ["field", /\.[A-Za-z_]\w*/y],
  ["variable", /\$\w*/y],
  ["name", /[A-Za-z_]\w*/y],
  ["symbol", /:=|[.|()=,]/y],
];

function actionTokens(
  source: string,
  start: number,
): { readonly tokens: readonly Token[]; readonly end: number; readonly trims: boolean } {
  const tokens: Token[] = [];
  for (let at = start; ;) {
    const close = /(\s-)?\}\}/y;
    close.lastIndex = at;
    const closed = close.exec(source);
    if (closed !== null) return { tokens, end: close.lastIndex, trims: closed[1] !== undefined };
    if (at >= source.length) throw syntaxError(source, source.length, "unclosed action");
    const token = tokenAt(source, at);
    tokens.push(token);
    at += token.text.length;
  }
}

function tokenAt(source: string, at: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) return { kind, text: match[0], at };
  }
  const character = source[at] ?? "";
  if (character === '"') throw syntaxError(source, at, "unterminated quoted string");
  if (character === "`") throw syntaxError(source, at, "unterminated raw quoted string");
  const point = (source.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw syntaxError(source, at, `bad character U+${point} '${character}'`);
}
