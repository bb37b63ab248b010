import { expect, test } from "bun:test";
import { mediaTypeOf, mediaTypeProblem } from "./media-type.ts";

test("what Go says of each form", () => {
  const forms: Record<string, string | undefined> = {
    "application/json": undefined,
    "application/json;": undefined,
    "APPLICATION/JSON ; charset=utf-8": undefined,
    "application/json;z=1": undefined,
    'application/json; z="a;\\"b"; y=1': undefined,
    application: undefined,
    "application/json; z": "invalid media parameter",
    'application/json; z="a': "invalid media parameter",
    "application/json;;": "invalid media parameter",
    "application/json; =1": "invalid media parameter",
    "application/json; a=": "invalid media parameter",
    "application/json; a=b c": "invalid media parameter",
    "application/json; a=1; A=2": "duplicate parameter name",
    "application/json, text/plain": "unexpected content after media subtype",
    "application/json/x": "unexpected content after media subtype",
    "application/": "expected token after slash",
    "application/ json": "expected token after slash",
    "application /json": "expected slash after first token",
    "/json": "no media type",
    ";": "no media type",
    "": "no media type",
  };
  expect(Object.fromEntries(Object.keys(forms).map((form) => [form, mediaTypeProblem(form)]))).toEqual(forms);
  expect(mediaTypeOf(" Application/JSON ; a=b")).toBe("application/json");
});
