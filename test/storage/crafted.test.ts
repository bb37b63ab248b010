/**
 * Crafted layers: whatever an archive says, nothing outside of its own directory changes, and no memory or disk is spent
 * on it beyond measure. Each is either refused with an error of the client, or harmless.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CaissonError } from "../../src/errors/mod.ts";
import {
  encodeEntry,
  endOfArchive,
  readTar,
  writeTar,
  type EntryInput,
  type LayerChange,
  type TarEntry,
} from "../../src/image/mod.ts";
import { chain, file, rejection, world, type World } from "./world.ts";

let w: World;
let before: string;

beforeAll(async () => {
  w = await world();
  await w.layer("b", [file("file", "below")]);
  before = w.canary();
});
afterAll(async () => await w[Symbol.asyncDispose]());

const link = (path: string, linkPath: string): EntryInput => ({ type: "symlink", path, linkPath });
const hardlink = (path: string, linkPath: string): EntryInput => ({ type: "hardlink", path, linkPath });
const directory = (path: string, mode = 0o755): EntryInput => ({ type: "directory", path, mode });
const outside = (): string => join(w.directory, "canary");

/** Unpacks; returns the status of the error that refuses it, 200 if there is none. Nothing outside has changed. */
async function attack(entries: readonly EntryInput[]): Promise<number> {
  await w.driver.removeLayer(chain("a"));
  let status = 200;
  try {
    await w.layer("a", entries, "b");
  } catch (error) {
    if (!(error instanceof CaissonError)) throw error;
    status = error.status;
  }
  expect(w.canary()).toBe(before);
  expect((await w.driver.layers()).sort()).toEqual([...(status === 200 ? [chain("a")] : []), chain("b")]);
  if (status !== 200) expect(existsSync(w.diff("a"))).toBe(false);
  return status;
}

const traversals: Record<string, () => EntryInput[]> = {
  "a path with ..": () => [file("../../../../canary/file", "evil")],
  "a path that leaves and comes back": () => [file("a/../../diff/evil", "evil")],
  "a directory above": () => [directory("..", 0o777)],
  "a hard link above": () => [hardlink("x", "../../../../canary/file"), file("x", "evil")],
  "a hard link to an absolute path": () => [hardlink("x", join(outside(), "file"))],
  "a hard link through a link": () => [link("l", outside()), hardlink("x", "l/file")],
  "a whiteout of ..": () => [file("a/.wh...")],
  "a whiteout of .": () => [file("a/.wh..")],
  "a whiteout of nothing": () => [file("a/.wh.")],
  "a link to itself": () => [link("l", "l"), file("l/x", "evil")],
  "a ring of links": () => [link("a", "b"), link("b", "a"), file("a/x", "evil")],
  "a file that is a directory too": () => [file("a", "x"), file("a/b", "evil")],
  "a hard link to a directory": () => [directory("d"), hardlink("x", "d")],
  "a path deeper than a limit": () => [file(`${"d/".repeat(600)}x`)],
  "a component that is too long": () => [file("n".repeat(256))],
  "a link's text that is too long": () => [link("l", "x".repeat(4096))],
  "a file larger than any file system": () => [
    { type: "file", path: "huge", size: 2 ** 52, sparse: [], body: new Uint8Array(0) },
  ],
  "capabilities of a file that are none": () => [
    file("a", "", { xattrs: new Map([["security.capability", Buffer.from("evil")]]) }),
  ],
};

test.each(Object.keys(traversals))("%s is refused", async (name) => {
  expect(await attack(traversals[name]?.() ?? [])).toBe(400);
});

test("an absolute path is one below the layer", async () => {
  expect(await attack([file(join(outside(), "file"), "evil")])).toBe(200);
  expect(readFileSync(join(w.diff("a"), outside(), "file"), "utf8")).toBe("evil");
});

test.each(["canary", "../../../../canary", "/"])("a file through a link to %s stays inside", async (to) => {
  const target = to === "canary" ? outside() : to;
  expect(await attack([link("l", target), file("l/file", "evil", { mode: 0o4777 })])).toBe(200);
  expect(lstatSync(join(w.diff("a"), "l")).isSymbolicLink()).toBe(true);
});

test("a file in the place of a link replaces the link, not what it leads to", async () => {
  expect(await attack([link("l", join(outside(), "file")), file("l", "evil", { mode: 0o777 })])).toBe(200);
  expect(lstatSync(join(w.diff("a"), "l")).isFile()).toBe(true);
});

test("a directory in the place of a link has its own mode and owner", async () => {
  const mine = { ...directory("l", 0o777), uid: 7, gid: 7 };
  expect(await attack([link("l", outside()), mine])).toBe(200);
  expect(lstatSync(join(w.diff("a"), "l")).isDirectory()).toBe(true);
});

test("attributes of a directory that a link replaced are set on nothing", async () => {
  const entries = [directory("d/e", 0o777), link("d", outside()), file("d/x", "evil")];
  expect(await attack([{ ...directory("d", 0o700), uid: 9 }, ...entries])).toBe(200);
  expect(readFileSync(join(w.diff("a"), outside(), "x"), "utf8")).toBe("evil");
});

test("a hard link is to a link itself, never to what that leads to", async () => {
  expect(await attack([link("l", join(outside(), "file")), hardlink("h", "l")])).toBe(200);
  expect(lstatSync(join(w.diff("a"), "h")).isSymbolicLink()).toBe(true);
});

test("opaque markers and whiteouts through links stay inside", async () => {
  const entries = [link("l", outside()), file("l/.wh..wh..opq"), file("l/.wh.file"), file(".wh..wh..opq")];
  expect(await attack(entries)).toBe(200);
});

test("attributes of the overlay file system are dropped", async () => {
  const xattrs = new Map([
    ["trusted.overlay.redirect", Buffer.from("/../../../../canary")],
    ["trusted.overlay.opaque", Buffer.from("y")],
    ["trusted.overlay.metacopy", Buffer.from("")],
  ]);
  expect(await attack([{ ...directory("d"), xattrs }, file("d/f", "x", { xattrs })])).toBe(200);
  for (const path of ["d", "d/f"])
    for (const name of xattrs.keys()) expect(await w.xattr(join(w.diff("a"), path), name)).toBe("");
});

test("devices lie where nobody can reach them, set-user-ID files too", async () => {
  const device: EntryInput = { type: "block", path: "disk", major: 8, minor: 0, mode: 0o666 };
  expect(await attack([device, file("su", "x", { mode: 0o6777 })])).toBe(200);
  expect(lstatSync(join(w.diff("a"), "disk")).isBlockDevice()).toBe(true);
  expect(statSync(w.root).mode & 0o007).toBe(0);
  expect(statSync(join(w.root, "layers")).mode & 0o007).toBe(0);
  expect(statSync(join(w.diff("a"), "..")).mode & 0o077).toBe(0);
});

test("a sparse file of a terabyte takes no room", async () => {
  const bomb: EntryInput = {
    type: "file",
    path: "bomb",
    size: 2 ** 40,
    sparse: [{ offset: 2 ** 40 - 3, length: 3 }],
    body: Buffer.from("end"),
  };
  expect(await attack([bomb])).toBe(200);
  const { size, blocks } = statSync(join(w.diff("a"), "bomb"));
  expect(size).toBe(2 ** 40);
  expect(blocks * 512).toBeLessThan(1 << 20);
});

test("the last of several entries of one name counts", async () => {
  const entries = [
    file("x", "first"),
    directory("x"),
    file("x/y", "below"),
    file("x", "last", { mode: 0o600 }),
  ];
  expect(await attack([...entries, hardlink("z", "x"), file("z", "own")])).toBe(200);
  expect(readFileSync(join(w.diff("a"), "x"), "utf8")).toBe("last");
  expect(readFileSync(join(w.diff("a"), "z"), "utf8")).toBe("own");
});

test("names are bytes, however odd and however long the path", async () => {
  const odd = "\udcff\u{1F600}\n-rf *";
  const deep = `${"n".repeat(200)}/`.repeat(60);
  expect(await attack([file(odd, "odd"), file(`${deep}x`, "deep"), hardlink("h", `${deep}x`)])).toBe(200);
  expect(readdirSync(w.diff("a"), { encoding: "buffer" }).map((name) => name[0])).toContain(0xff);
  expect(readFileSync(join(w.diff("a"), "h"), "utf8")).toBe("deep");
});

test("even changes that nobody judged can't leave by a link", async () => {
  const entries = await Array.fromAsync(readTar(writeTar([link("l", outside()), file("l", "evil")])));
  async function* changes(): AsyncGenerator<LayerChange<TarEntry>, void, void> {
    const [symlink, evil] = entries;
    if (symlink === undefined || evil === undefined) return;
    const xattrs = new Map<string, Uint8Array>();
    yield { kind: "add", path: ["l"], entry: symlink, xattrs, replaces: false };
    yield { kind: "add", path: ["l", "file"], entry: { ...evil, size: 0 }, xattrs, replaces: false };
  }
  const unpacking = w.driver.unpack({ chainId: chain("d"), changes: changes() });
  expect(await rejection(unpacking)).toMatchObject({ code: "bad-archive" });
  expect(w.canary()).toBe(before);
});

test("an archive that breaks off leaves nothing", async () => {
  async function* broken(): AsyncGenerator<Uint8Array, void, void> {
    yield encodeEntry(file("a", "x".repeat(100_000)));
    yield Buffer.from("not all of it");
  }
  expect(await rejection(w.archive("c", broken()))).toMatchObject({ code: "bad-archive" });
  expect(readdirSync(join(w.root, "layers")).filter((name) => name.startsWith("c"))).toEqual([]);
  async function* empty(): AsyncGenerator<Uint8Array, void, void> {
    yield endOfArchive;
  }
  await w.archive("c", empty());
  expect(readdirSync(w.diff("c"))).toEqual([]);
});
