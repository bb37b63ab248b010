import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EntryInput } from "../../image/tar/mod.ts";
import { localEntries } from "./local-tree.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-tree-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function bodyOf(entry: EntryInput): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of (entry.body ?? []) as AsyncIterable<Uint8Array>) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function entries(root: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of localEntries(root, "top")) {
    const { type, path, linkPath = "", mode = 0 } = entry;
    found.push([type, path, mode.toString(8), linkPath || (await bodyOf(entry))].join(" ").trimEnd());
  }
  return found;
}

test("a tree in the order of its names' bytes; links as links, sockets not at all", async () => {
  mkdirSync(join(folder, "b"), { mode: 0o750 });
  writeFileSync(join(folder, "b/file"), "hello", { mode: 0o640 });
  linkSync(join(folder, "b/file"), join(folder, "c"));
  symlinkSync("../nowhere", join(folder, "a"));
  writeFileSync(join(folder, "é"), "", { mode: 0o600 });
  writeFileSync(join(folder, "z"), "", { mode: 0o600 });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, "sock"), resolve));
  expect(await entries(folder)).toEqual([
    "directory top 700",
    "symlink top/a 777 ../nowhere",
    "directory top/b 750",
    "file top/b/file 640 hello",
    "hardlink top/c 640 top/b/file",
    "file top/z 600",
    "file top/é 600",
  ]);
  server.close();
});

test("special bits stay; a link at the top is a link", async () => {
  writeFileSync(join(folder, "f"), "x");
  chmodSync(join(folder, "f"), 0o6755);
  symlinkSync("f", join(folder, "l"));
  expect(await entries(join(folder, "f"))).toEqual(["file top 6755 x"]);
  expect(await entries(join(folder, "l"))).toEqual(["symlink top 777 f"]);
});

test("times are whole seconds, rounded down, also before 1970", async () => {
  writeFileSync(join(folder, "f"), "");
  for (const [time, sec] of [
    [1_700_000_000.75, 1_700_000_000],
    [0, 0],
    [-0.5, -1],
    [-10, -10],
    [-10.25, -11],
  ] as const) {
    utimesSync(join(folder, "f"), new Date(time * 1000), new Date(time * 1000));
    for await (const { mtime } of localEntries(join(folder, "f"), "f"))
      expect(mtime).toEqual({ sec, nsec: 0 });
  }
});

test("a file that shrinks while it is read is filled up with zeros", async () => {
  writeFileSync(join(folder, "f"), Buffer.alloc(300_000, "x"));
  for await (const entry of localEntries(join(folder, "f"), "f")) {
    truncateSync(join(folder, "f"), 10);
    const text = await bodyOf(entry);
    expect([entry.size, text.length, text.replaceAll("\0", "")]).toEqual([300_000, 300_000, "xxxxxxxxxx"]);
  }
});

test("what isn't there is told of in Go's words", async () => {
  expect(entries(join(folder, "nosuch"))).rejects.toThrow(
    `lstat ${folder}/nosuch: no such file or directory`,
  );
});
