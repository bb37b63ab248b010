import { expect, test } from "bun:test";
import { parseTemplate, type Node } from "./parse.ts";

test("a chain of else is a chain of blocks", () => {
  const [node] = parseTemplate("{{if .A}}a{{else if .B}}b{{else}}c{{end}}");
  expect(node).toMatchObject({
    kind: "if",
    body: [{ kind: "text", text: "a" }],
    else: [{ kind: "if", body: [{ kind: "text", text: "b" }], else: [{ kind: "text", text: "c" }] }],
  });
});

test("pipes, declarations and assignments", () => {
  expect(parseTemplate("{{range $i, $v := .A | len}}{{end}}{{$x = 1}}")).toMatchObject([
    {
      kind: "range",
      pipe: {
        variables: ["$i", "$v"],
        declares: true,
        calls: [{ words: [{ kind: "field", path: ["A"] }] }, { words: [{ kind: "function", name: "len" }] }],
      },
    },
    { kind: "print", pipe: { variables: ["$x"], declares: false } },
  ]);
});

test("a pipe inside of parentheses may be walked on from", () => {
  expect(parseTemplate("{{(index . 1 | len).A.B}}")).toMatchObject([
    { pipe: { calls: [{ words: [{ kind: "chain", path: ["A", "B"], of: { kind: "pipe" } }] }] } },
  ]);
});

test("literals have Go's values", () => {
  const literal = (source: string): unknown => {
    const [node] = parseTemplate(`{{${source}}}`) as [Extract<Node, { kind: "print" }>];
    const [word] = node.pipe.calls[0]?.words ?? [];
    return word?.kind === "literal" ? word.value : word;
  };
  expect(literal('"a\\tb\\u00e9\\x41\\""')).toBe('a\tbéA"');
  expect(literal("`a\\t`")).toBe("a\\t");
  expect(literal("'a'")).toBe(97);
  expect(literal("1_000")).toBe(1000);
  expect(literal("0x1f")).toBe(31);
  expect(literal("nil")).toBeNull();
});

test.each([
  ["{{}}", "template: :1: missing value for command"],
  ["{{.A | }}", "missing value for command"],
  ["{{if .A}}{{else}}{{else}}{{end}}", "expected end; found {{else}}"],
  ["x\n{{range .A}}", "template: :2: unexpected EOF"],
  ["{{else}}", "unexpected {{else}}"],
  ["{{()}}", "missing value for parenthesized pipeline"],
  ["{{.A )}}", 'unexpected ")" in operand'],
  ["{{nonsense}}", 'function "nonsense" not defined'],
])("%p is refused", (source, problem) => {
  expect(() => parseTemplate(source)).toThrow(problem);
});
