import { expect, test } from "bun:test";
import { pieces, type Piece } from "./lex.ts";

/** Pieces in short: text as it is, an action as its words. */
const short = (source: string): unknown =>
  pieces(source).map((piece: Piece) =>
    piece.kind === "text"
      ? piece.text
      : piece.tokens.filter(({ kind }) => kind !== "space").map(({ kind, text }) => `${kind} ${text}`),
  );

test("text and actions", () => {
  expect(short("a{{.B.C}}c")).toEqual(["a", ["field .B", "field .C"], "c"]);
  expect(short("")).toEqual([]);
});

test("the words of an action", () => {
  expect(short('{{$x := index . "a}}" | len -1.5e3 true nil `r"` (x)}}')).toEqual([
    [
      "variable $x",
      "symbol :=",
      "name index",
      "symbol .",
      'string "a}}"',
      "symbol |",
      "name len",
      "number -1.5e3",
      "bool true",
      "nil nil",
      'string `r"`',
      "symbol (",
      "name x",
      "symbol )",
    ],
  ]);
});

test("dashes trim the side that they are on", () => {
  expect(short("a \n{{- .B}} c")).toEqual(["a", ["field .B"], " c"]);
  expect(short("a {{.B -}} \n c")).toEqual(["a ", ["field .B"], "c"]);
  expect(short("{{-1}}")).toEqual([["number -1"]]);
});

test("comments are nothing, and trim too", () => {
  expect(short("a {{- /* }} */ -}} b")).toEqual(["a", "b"]);
  expect(() => pieces("{{/* x")).toThrow("template: :1: unclosed comment");
});

test("words know their place", () => {
  const [, action] = pieces("ab{{ .C}}");
  expect(action?.kind === "action" ? action.tokens.find(({ kind }) => kind === "field")?.at : -1).toBe(5);
});

test("mistakes name their line", () => {
  expect(() => pieces("a\nb{{.x")).toThrow("template: :2: unclosed action");
  expect(() => pieces("{{`x}}")).toThrow("unterminated raw quoted string");
  expect(() => pieces("{{#}}")).toThrow("bad character U+0023 '#'");
});
