import { afterAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { codeOf, inputOn, isTerminal, outputOn } from "./output.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-output-`);
afterAll(() => rmSync(directory, { recursive: true }));

test("text, lines and bytes follow each other", async () => {
  const fd = openSync(`${directory}/out`, "w");
  const output = outputOn(fd);
  output.text("é");
  output.line("line");
  await output.bytes(Uint8Array.of(0, 255));
  expect(output.terminal).toBe(false);
  closeSync(fd);
  expect(readFileSync(`${directory}/out`)).toEqual(
    Buffer.from([0xc3, 0xa9, ...Buffer.from("line\n"), 0, 255]),
  );
});

test("input comes in pieces until its end", async () => {
  writeFileSync(`${directory}/in`, "x".repeat(100_000));
  const fd = openSync(`${directory}/in`, "r");
  const lengths: number[] = [];
  for await (const piece of inputOn(fd)) lengths.push(piece.length);
  closeSync(fd);
  expect(lengths).toEqual([65536, 34464]);
});

test("a descriptor that isn't open is an error, not an end", async () => {
  const fd = openSync("/dev/null", "r");
  closeSync(fd);
  expect(await Array.fromAsync(inputOn(fd)).then(() => "", codeOf)).toBe("EBADF");
  expect(
    await outputOn(fd)
      .bytes(Uint8Array.of(1))
      .then(() => "", codeOf),
  ).toBe("EBADF");
});

test("a file is no terminal, and other things have no code", () => {
  const fd = openSync("/dev/null", "r");
  expect(isTerminal(fd)).toBe(false);
  closeSync(fd);
  expect(codeOf(undefined)).toBe("");
});
