import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../errors/mod.ts";
import { readTar, writeTar, type EntryInput } from "../../image/tar/mod.ts";
import { extractLocally } from "./local-extract.ts";
import { localEntries } from "./local-tree.ts";

let folder: string;
let target: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-extract-"));
  target = join(folder, "target");
  mkdirSync(target);
  writeFileSync(join(folder, "canary"), "unharmed");
});
afterEach(() => rmSync(folder, { recursive: true }));

const extract = (entries: readonly EntryInput[]): Promise<string> =>
  extractLocally(readTar(writeTar(entries)), target).then(() => "done", messageOf);
const file = (path: string, text = "x"): EntryInput => ({
  type: "file",
  path,
  size: text.length,
  body: Buffer.from(text),
});

test("a tree comes back as it was", async () => {
  const source = join(folder, "source");
  mkdirSync(join(source, "deep"), { recursive: true, mode: 0o750 });
  writeFileSync(join(source, "deep/f"), "content", { mode: 0o640 });
  symlinkSync("f", join(source, "deep/l"));
  await extractLocally(readTar(writeTar(localEntries(source, "copy"))), target);
  expect(readFileSync(join(target, "copy/deep/f"), "utf8")).toBe("content");
  expect(lstatSync(join(target, "copy/deep/f")).mode & 0o777).toBe(0o640);
  expect(readlinkSync(join(target, "copy/deep/l"))).toBe("f");
  expect(lstatSync(join(target, "copy/deep")).mtimeMs).toBe(
    Math.floor(lstatSync(join(source, "deep")).mtimeMs / 1000) * 1000,
  );
});

test("hard links, fifos and directories that are there", async () => {
  mkdirSync(join(target, "d"));
  const entries: EntryInput[] = [
    { type: "directory", path: "d/", mode: 0o700 },
    file("d/f"),
    { type: "hardlink", path: "d/h", linkPath: "d/f" },
    { type: "fifo", path: "d/p", mode: 0o600 },
  ];
  expect(await extract(entries)).toBe("done");
  expect(lstatSync(join(target, "d/h")).nlink).toBe(2);
  expect(lstatSync(join(target, "d/p")).isFIFO()).toBe(true);
  expect(lstatSync(join(target, "d")).mode & 0o777).toBe(0o700);
});

test.each<[string, readonly EntryInput[]]>([
  ["a name that leaves", [file("../canary", "evil")]],
  ["a link, then through it", [{ type: "symlink", path: "l", linkPath: ".." }, file("l/canary", "evil")]],
  ["a hard link out", [{ type: "hardlink", path: "h", linkPath: "../canary" }, file("h", "evil")]],
  [
    "a hard link through a link",
    [
      { type: "symlink", path: "l", linkPath: ".." },
      { type: "hardlink", path: "h", linkPath: "l/canary" },
    ],
  ],
])("%s is refused", async (_, entries) => {
  expect(await extract(entries)).not.toBe("done");
  expect(readFileSync(join(folder, "canary"), "utf8")).toBe("unharmed");
});

test("a file goes over a link, not through it", async () => {
  symlinkSync("../canary", join(target, "f"));
  expect(await extract([file("f", "new")])).toBe("done");
  expect(readFileSync(join(target, "f"), "utf8")).toBe("new");
  expect(readFileSync(join(folder, "canary"), "utf8")).toBe("unharmed");
});

test("a directory in a file's place and the other way round are docker's errors", async () => {
  mkdirSync(join(target, "d"));
  writeFileSync(join(target, "f"), "");
  expect(await extract([file("d")])).toBe(`cannot overwrite directory "d" with non-directory "${target}"`);
  expect(await extract([{ type: "directory", path: "f" }])).toBe(
    `cannot overwrite non-directory "f" with directory "${target}"`,
  );
});
