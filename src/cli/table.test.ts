import { expect, test } from "bun:test";
import { alignColumns, displayWidth } from "./table.ts";

test("columns are as wide as their widest cell and three more, ten at least", () => {
  expect(alignColumns("ID\tNAME\tX\na-long-identifier\tb\ty\n")).toBe(
    "ID                  NAME      X\na-long-identifier   b         y\n",
  );
});

test("the last cell is not padded", () => {
  expect(alignColumns("A\tB\n1\t2\n")).toBe("A         B\n1         2\n");
});

test("a line without tabs ends a column", () => {
  expect(alignColumns("a\tb\nplain\nlonger-than-ten\tc\n")).toBe("a         b\nplain\nlonger-than-ten   c\n");
});

test("empty cells keep their column", () => {
  expect(alignColumns("A\tB\tC\n1\t\t3\n")).toBe("A         B         C\n1                   3\n");
});

test("wide characters take two columns", () => {
  expect(displayWidth("日本")).toBe(4);
  expect(displayWidth("é")).toBe(1);
  expect(alignColumns("日本\tx\n")).toBe(`日本${" ".repeat(6)}x\n`);
});
