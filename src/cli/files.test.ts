import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { messageOf } from "../errors/mod.ts";
import { fileProblem } from "./file-problem.ts";
import { readFileStream, writeFileStream } from "./files.ts";

const directory = mkdtempSync(`${tmpdir()}/caisson-files-`);
afterAll(() => rmSync(directory, { recursive: true }));

test("bytes survive the way through a file, more than one piece of them", async () => {
  const bytes = new Uint8Array(200_000).map((_, i) => i % 251);
  writeFileSync(`${directory}/in`, bytes);
  await writeFileStream(`${directory}/out`, readFileStream(`${directory}/in`));
  expect(Buffer.compare(readFileSync(`${directory}/out`), bytes)).toBe(0);
});

test("a file that is written anew loses what it had", async () => {
  writeFileSync(`${directory}/old`, "a long text");
  await writeFileStream(`${directory}/old`, readFileStream("/dev/null"));
  expect(readFileSync(`${directory}/old`, "utf8")).toBe("");
});

test("what can't be opened is said at once, in Go's words", async () => {
  expect(() => readFileStream(`${directory}/none`)).toThrow(
    `open ${directory}/none: no such file or directory`,
  );
  const written = writeFileStream(directory, readFileStream("/dev/null"));
  expect(await written.then(() => "", messageOf)).toBe(`open ${directory}: is a directory`);
});

test("a problem without a name of its own keeps its text", () => {
  expect(fileProblem("stat", "/x", new Error("odd"))).toBe("stat /x: odd");
  expect(fileProblem("open", "/x", Object.assign(new Error("long"), { code: "EROFS" }))).toBe(
    "open /x: read-only file system",
  );
});
