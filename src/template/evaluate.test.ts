import { describe, expect, test } from "bun:test";
import { Row, Template } from "./mod.ts";

const run = (source: string, value: unknown = {}): string => new Template(source).execute(value);

const person = {
  Name: "ann",
  Age: 30,
  Tags: ["a", "b"],
  Labels: { y: "2", x: "1" },
  Nested: { Ok: true, None: null },
  Empty: [],
};

test.each([
  ["plain", "plain"],
  ["{{.Name}}", "ann"],
  ["{{.Nested.Ok}}", "true"],
  ["{{.Age}}", "30"],
  ["{{.Tags}}", "[a b]"],
  ["{{.Labels}}", "map[x:1 y:2]"],
  ["{{.Nested.None}}", "<nil>"],
  ["{{.Missing}}", "<no value>"],
  ["{{.Missing.More}}", "<no value>"],
  ["{{/* comment */}}x", "x"],
  ["a  {{- .Name -}}  b", "aannb"],
  ['{{`raw`}} {{"q\\n"}}', "raw q\n"],
  ["{{if .Tags}}yes{{else}}no{{end}}", "yes"],
  ["{{if .Empty}}yes{{else if .Name}}named{{else}}no{{end}}", "named"],
  ["{{with .Nested}}{{.Ok}}{{end}}", "true"],
  ["{{with .Empty}}x{{else}}nothing{{end}}", "nothing"],
  ["{{range .Tags}}<{{.}}>{{end}}", "<a><b>"],
  ["{{range $i, $t := .Tags}}{{$i}}={{$t}} {{end}}", "0=a 1=b "],
  ["{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "x=1;y=2;"],
  ["{{range .Empty}}x{{else}}none{{end}}", "none"],
  ['{{range .Tags}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"],
  ['{{range .Tags}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', "b"],
  ["{{range .Tags}}{{$.Name}}{{end}}", "annann"],
  ["{{$x := .Name}}{{$x}}", "ann"],
  ["{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"],
  ["{{(index .Tags 1) | upper}}", "B"],
  ["{{(.Nested).Ok}}", "true"],
  ['{{.Name | printf "%s-%s" "x"}}', "x-ann"],
])("%p", (source, text) => {
  expect(run(source, person)).toBe(text);
});

describe("functions", () => {
  test.each([
    ["{{len .Tags}} {{len .Name}}", "2 3"],
    ['{{index .Labels "x"}}{{index .Labels "q"}}', "1"],
    ["{{slice .Name 1 2}}", "n"],
    [
      "{{eq .Age 30}} {{ne .Age 30}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 3}}",
      "true false true true false false",
    ],
    ['{{eq .Name "x" "ann"}}', "true"],
    ["{{and .Name .Empty}}|{{or .Empty .Name}}|{{not .Empty}}", "[]|ann|true"],
    ["{{or .Name (index .Tags 9)}}", "ann"],
    ['{{json .Tags}} {{json "<a>"}}', '["a","b"] "<a>"'],
    ['{{join .Tags ","}}', "a,b"],
    ['{{index (split "a:b" ":") 1}}', "b"],
    ['{{title "two words"}} {{lower "X"}} {{upper "x"}}', "Two Words x X"],
    ['{{pad "x" 1 2}}|{{pad "" 1 2}}|', " x  ||"],
    ['{{truncate "abcdef" 3}}', "abc"],
    ['{{print 1 2 "a" "b" 3}}', "1 2ab3"],
    ['{{println "a" 1}}', "a 1\n"],
    ['{{html "<a>"}}', "&lt;a&gt;"],
    ['{{urlquery "a b&c"}}', "a+b%26c"],
  ])("%p", (source, text) => {
    expect(run(source, person)).toBe(text);
  });
});

test.each([
  ["{{", "template: :1: unclosed action"],
  ["a\n{{.x", "template: :2: unclosed action"],
  ["{{.Name}", "template: :1: bad character U+007D '}'"],
  ["{{if}}x{{end}}", "template: :1: missing value for if"],
  ["{{if .x}}x", "template: :1: unexpected EOF"],
  ["{{end}}", "template: :1: unexpected {{end}}"],
  ["{{foo .}}", 'template: :1: function "foo" not defined'],
  ['{{"x}}', "template: :1: unterminated quoted string"],
  ["{{(.x}}", "template: :1: unclosed left paren"],
])("%p is no template", (source, text) => {
  expect(() => new Template(source)).toThrow(text);
});

describe("mistakes while it runs", () => {
  test("a function's are said with its place", () => {
    expect(() => run("ab{{index .Tags 7}}", person)).toThrow(
      'template: :1:4: executing "" at <index .Tags 7>: error calling index: index out of range: 7',
    );
  });

  test("what is missing can be an error, nothing, or no value", () => {
    const template = new Template("{{.A.B}}");
    expect(() => template.execute({ A: {} }, { missing: () => "error" })).toThrow(
      'template: :1:4: executing "" at <.A.B>: map has no entry for key "B"',
    );
    expect(template.execute({ A: {} }, { missing: () => "nil" })).toBe("<nil>");
    expect(template.execute({ A: {} })).toBe("<no value>");
    const seen: unknown[] = [];
    template.execute({ A: {} }, { missing: (...names) => (seen.push(names) > 0 ? "none" : "error") });
    expect(seen).toEqual([["B", "A"]]);
  });

  test("a line of a list knows its columns", () => {
    const row = new Row("*formatter.X", { A: () => 1 }, { Label: (name) => `<${String(name)}>` });
    expect(new Template('{{.A}}{{.Label "q"}}').execute(row)).toBe("1<q>");
    expect(() => new Template("{{.B}}").execute(row)).toThrow("can't evaluate field B in type *formatter.X");
  });

  test("a number can't be walked through by name", () => {
    expect(() => run("{{.Age.X}}", person)).toThrow("can't evaluate field X in type interface {}");
  });
});
