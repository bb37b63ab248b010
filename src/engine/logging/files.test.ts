import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { closeFiles, currentInode, isMissing, openLogFiles, type LogFile } from "./files.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-files-"));
  path = join(folder, "log");
});
afterEach(() => rmSync(folder, { recursive: true }));

async function names(known?: Parameters<typeof openLogFiles>[1]): Promise<string[]> {
  const files = await openLogFiles(path, known);
  await closeFiles(files);
  return files.map((file) => file.path.slice(folder.length + 1));
}

async function one(): Promise<LogFile> {
  const [file, ...others] = await openLogFiles(path);
  await closeFiles(others);
  if (file === undefined) throw new RangeError("no file");
  return file;
}

test("the oldest first, compressed ones among them", async () => {
  expect(await names()).toEqual([]);
  expect(await currentInode(path)).toBeUndefined();
  for (const name of ["log", "log.1", "log.10"]) writeFileSync(join(folder, name), name);
  writeFileSync(`${path}.2.gz`, gzipSync("two"));
  // Numbers have no gap but one, while the shim renames: log.10 is somebody else's.
  expect(await names()).toEqual(["log.2.gz", "log.1", "log"]);
  expect(await currentInode(path)).toBe(statSync(path, { bigint: true }).ino);
});

test("one number may be missing while the shim renames", async () => {
  for (const name of ["log", "log.2", "log.3"]) writeFileSync(join(folder, name), name);
  expect(await names()).toEqual(["log.3", "log.2", "log"]);
});

test("what was read already is left out, and what is older", async () => {
  for (const name of ["log", "log.1", "log.2"]) writeFileSync(join(folder, name), name);
  const { ino: inode, mtimeNs: modified } = statSync(`${path}.1`, { bigint: true });
  expect(await names({ inode, modified })).toEqual(["log"]);
  // It was compressed meanwhile: its time tells.
  writeFileSync(`${path}.1.gz`, gzipSync("one"));
  const seconds = Number(modified / 1_000_000_000n);
  utimesSync(`${path}.1.gz`, seconds, seconds);
  rmSync(`${path}.1`);
  expect(await names({ inode: 0n, modified: BigInt(seconds) * 1_000_000_000n })).toEqual(["log"]);
});

test("the file that is written now may be the known one: then there is nothing new", async () => {
  writeFileSync(path, "a");
  const { ino: inode, mtimeNs: modified } = statSync(path, { bigint: true });
  expect(await names({ inode, modified })).toEqual([]);
});

test("a descriptor outlives a renaming; marks and sizes are those of when it was opened", async () => {
  writeFileSync(path, "hello");
  chmodSync(path, 0o1640);
  const file = await one();
  renameSync(path, `${path}.1`);
  const target = Buffer.alloc(8);
  expect(await file.read(target, 2, 3, 1)).toBe(3);
  expect(target.toString("latin1", 2, 5)).toBe("ell");
  expect(await file.read(target, 0, 8, 5)).toBe(0);
  expect([file.marked, file.size, file.compressed]).toEqual([true, 5, false]);
  await closeFiles([file]);
});

test("a compressed file reads like a plain one, forward and back again", async () => {
  const content = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i}\n`).join(""));
  writeFileSync(path, "");
  writeFileSync(`${path}.1.gz`, gzipSync(content));
  const file = await one();
  expect([file.size, file.compressed]).toEqual([Infinity, true]);
  const at = async (position: number, length: number): Promise<string> => {
    const parts: Buffer[] = [];
    for (let got = 0; got < length;) {
      const target = Buffer.alloc(length - got);
      const count = await file.read(target, 0, target.length, position + got);
      if (count === 0) break;
      parts.push(target.subarray(0, count));
      got += count;
    }
    return Buffer.concat(parts).toString();
  };
  expect(await at(0, 14)).toBe("line 0\nline 1\n");
  expect(await at(300_000, 1000)).toBe(content.toString("utf8", 300_000, 301_000));
  expect(await at(7, 7)).toBe("line 1\n");
  expect(await at(content.length - 3, 10)).toBe(content.toString("utf8", content.length - 3));
  expect(await at(content.length, 10)).toBe("");
  await closeFiles([file]);
});

test("only ENOENT is missing", () => {
  expect(isMissing(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe(true);
  expect(isMissing(Object.assign(new Error("x"), { code: "EIO" }))).toBe(false);
  expect(isMissing("ENOENT")).toBe(false);
});
