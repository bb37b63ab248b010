import { expect, test } from "bun:test";
import { breachesOf } from "./source-rules.ts";

const opening = "/**\n * A file.\n * @module\n */\n";
const texts = (path: string, content: string): readonly string[] =>
  breachesOf(path, opening + content).map(({ line, text }) => `${line}: ${text}`);

test("errors come from the registry, in source but not in tests", () => {
  expect(texts("src/a/b.ts", 'throw new Error("x");\n')).toEqual([
    "5: errors come from the registry: failure(code, params, cause)",
  ]);
  expect(texts("src/a/b.test.ts", 'throw new Error("x");\n')).toEqual([]);
});

test("files have one job and a length", () => {
  expect(texts("src/a/utils.ts", "")).toEqual(["0: a file is named after what it does"]);
  expect(texts("src/common/a.ts", "")).toHaveLength(1);
  expect(texts("src/a/helper-process.ts", "")).toEqual([]);
  expect(texts("src/a/b.ts", "x;\n".repeat(496))).toEqual([]);
  expect(texts("src/a/b.ts", "x;\n".repeat(497))).toEqual(["0: 501 lines, 500 are the most"]);
});

test("Bun's own modules stay where they are", () => {
  expect(texts("src/a/b.ts", 'import { Database } from "bun:sqlite";\nBun.spawn([]);\n')).toEqual([]);
  expect(texts("src/a/b.ts", 'Bun.write("x", "");\n')).toHaveLength(1);
  expect(texts("src/a/b.ts", "// as Bun.write does\n")).toEqual([]);
});

test("a file opens with what it is for", () => {
  expect(breachesOf("src/a/b.ts", "export {};\n").map(({ text }) => text)).toEqual([
    "a file opens with what it is for",
  ]);
});
