import { expect, test } from "bun:test";
import { layerChanges, readTar, writeTar, type EntryInput } from "../image/mod.ts";
import { printProgram } from "../kernel/mod.ts";
import { FakeSession } from "./fake-session.ts";
import { unpackInto, type UnpackOptions } from "./unpack.ts";

const options: UnpackOptions = { root: { uid: 0, gid: 0, mode: 0o755 }, lowest: false, doing: "unpack" };
const mtime = { sec: 1_700_000_000, nsec: 5 };

async function unpacked(entries: readonly EntryInput[], more: Partial<UnpackOptions> = {}): Promise<string> {
  const session = new FakeSession();
  const changes = layerChanges(readTar(writeTar(entries)));
  await unpackInto(session, "/layers/new/diff", changes, { ...options, ...more });
  return session.programs.map(printProgram).join("");
}

const layer: EntryInput[] = [
  { type: "directory", path: "bin/", mode: 0o755, mtime },
  { type: "file", path: "bin/su", size: 2, body: Buffer.from("su"), mode: 0o4755, uid: 1, mtime },
  { type: "symlink", path: "bin/sh", linkPath: "su", mtime },
  { type: "hardlink", path: "su", linkPath: "bin/su" },
  { type: "file", path: "etc/.wh.old", size: 0 },
  { type: "file", path: "opt/.wh..wh..opq", size: 0 },
];

test("a layer is this program", async () => {
  expect(await unpacked(layer)).toMatchSnapshot();
});

test("nothing has a path from the root but the layer's own directory", async () => {
  const absolute = (await unpacked(layer)).match(/"\/[^"]*"/g);
  expect(absolute).toEqual(['"/layers/new/diff"']);
});

test("without a layer below nothing is hidden", async () => {
  const text = await unpacked(layer, { lowest: true });
  expect(text).not.toContain("mknodat");
  expect(text).not.toContain("trusted.overlay.opaque");
});

test("the size is that of the files, the root is what the layer says", async () => {
  const entries: EntryInput[] = [
    { type: "directory", path: "./", mode: 0o700, uid: 3 },
    { type: "file", path: "a", size: 100_000, body: Buffer.alloc(100_000) },
    { type: "file", path: "b", size: 1, body: Buffer.alloc(1) },
  ];
  const changes = layerChanges(readTar(writeTar(entries)));
  const found = await unpackInto(new FakeSession(), "/x", changes, options);
  expect(found).toMatchObject({ size: 100_001, root: { mode: 0o700, uid: 3, gid: 0 } });
});
