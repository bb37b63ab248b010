import { describe, expect, test } from "bun:test";
import { ellipsis, formatList, labelText, shortId } from "./list-format.ts";
import { Row } from "../template/mod.ts";

const rows = [
  new Row("*x", { ID: () => "1", Name: () => "<a>" }, { Label: (name) => `label ${String(name)}` }),
  new Row("*x", { ID: () => "2", Name: () => "b" }, { Label: () => "" }),
];
const headers = { ID: "THE ID", Name: "NAME" };
const list = (format: string): string => formatList(rows, { format, headers });

describe("formats", () => {
  test("a table has a head", () => {
    expect(list("table {{.ID}}\\t{{.Name}}")).toBe("THE ID    NAME\n1         <a>\n2         b\n");
  });

  test("labels head their column with the end of their name", () => {
    expect(list('table {{.Label "com.my-own"}}')).toBe("my own\nlabel com.my-own\n\n");
  });

  test("functions leave the head alone", () => {
    expect(list("table {{lower .Name}}")).toBe("NAME\n<a>\nb\n");
  });

  test("json is a line for each, columns by name, escaped as Go does", () => {
    expect(list("json")).toBe('{"ID":"1","Name":"\\u003ca\\u003e"}\n{"ID":"2","Name":"b"}\n');
  });

  test("anything else is a template", () => {
    expect(list("{{.ID}}\\t{{.Name}}")).toBe("1\t<a>\n2\tb\n");
  });

  test("mistakes are said in Go's words", () => {
    expect(() => list("{{.Foo}}")).toThrow(
      `failed to execute template: template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *x`,
    );
    expect(() => list("{{.Foo")).toThrow("failed to parse template: template: :1: unclosed action");
  });
});

test("IDs, long texts and labels", () => {
  expect(shortId("sha256:0123456789abcdef")).toBe("0123456789ab");
  expect(ellipsis("abcdef", 4)).toBe("abc…");
  expect(ellipsis("abc", 3)).toBe("abc");
  expect(labelText({ b: "2", a: "1" })).toBe("a=1,b=2");
  expect(labelText(null)).toBe("");
});
