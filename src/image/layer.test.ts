import { expect, test } from "bun:test";
import fc from "fast-check";
import { craftedLayers } from "./crafted-layers.ts";
import { LayerTranslator, layerChanges, pathBytes, pathText, type LayerChange } from "./layer.ts";
import { readTar, type TarEntry } from "./tar/reader.ts";
import { writeTar, type EntryInput } from "./tar/writer.ts";

const file = (path: string): EntryInput => ({ type: "file", path });
const dir = (path: string): EntryInput => ({ type: "directory", path });
const symlink = (path: string, linkPath: string): EntryInput => ({ type: "symlink", path, linkPath });
const link = (path: string, linkPath: string): EntryInput => ({ type: "hardlink", path, linkPath });

/** The changes of a layer with these entries, which take the way through an archive. */
async function changes(...entries: EntryInput[]): Promise<LayerChange<TarEntry>[]> {
  return await Array.fromAsync(layerChanges(readTar(writeTar(entries)), "layer x"));
}

/** The changes in short. */
async function short(...entries: EntryInput[]): Promise<string[]> {
  return (await changes(...entries)).map((change) => {
    const replaces = "replaces" in change && change.replaces ? "!" : "";
    const target = change.kind === "link" ? ` ${change.target.join("/")}` : "";
    return `${change.kind}${replaces} ${change.path.join("/")}${target}`;
  });
}

async function refused(...entries: EntryInput[]): Promise<string> {
  try {
    return `accepted: ${(await short(...entries)).join(", ")}`;
  } catch (error) {
    expect(error).toMatchObject({ code: "bad-archive" });
    return (error as Error).message;
  }
}

test("names are cleaned and parents implied once", async () => {
  expect(await short(dir("./"), file("./a/b/c"), file("/a/b/../d"), file("a//./b/e"))).toEqual([
    "add ",
    "implied a",
    "implied a/b",
    "add a/b/c",
    "add a/d",
    "add a/b/e",
  ]);
});

test("whiteouts hide what is below", async () => {
  expect(await short(dir("d"), file("d/.wh.x"), file("d/.wh..wh..opq"), file(".wh.y"))).toEqual([
    "add d",
    "whiteout d/x",
    "opaque d",
    "whiteout y",
  ]);
  expect(await short(file(".wh..wh.plnk/1"), file(".wh..wh.aufs"), file("a/.wh..wh.orph/x"))).toEqual([]);
  expect(await short({ type: "char", path: "z" })).toEqual(["whiteout z"]);
});

test("a whiteout never hides what its own layer has, in either order", async () => {
  expect(await short(file("x"), file(".wh.x"))).toEqual(["add x"]);
  expect(await short(file(".wh.x"), file("x"))).toEqual(["whiteout x", "add! x"]);
  expect(await short(dir("x"), file("x/y"), file(".wh.x"))).toEqual(["add x", "add x/y", "opaque x"]);
  expect(await short(file(".wh.x"), dir("x"), file("x/y"))).toEqual([
    "whiteout x",
    "add! x",
    "opaque x",
    "add x/y",
  ]);
  expect(await short(file(".wh.x"), file("x/y"))).toEqual([
    "whiteout x",
    "implied! x",
    "opaque x",
    "add x/y",
  ]);
  expect(await short(file(".wh.x"), file(".wh.x"))).toEqual(["whiteout x"]);
});

test("the last entry of a name wins, directories are merged", async () => {
  expect(
    await short(file("x"), file("x"), dir("x"), dir("x"), file("x/y"), symlink("x", "z"), file("z")),
  ).toEqual(["add x", "add! x", "add! x", "add x", "add x/y", "add! x", "add z"]);
});

test("links of the layer are followed inside its root", async () => {
  expect(await short(dir("usr/lib"), symlink("lib", "usr/lib"), file("lib/x"))).toEqual([
    "implied usr",
    "add usr/lib",
    "add lib",
    "add usr/lib/x",
  ]);
  expect(await short(symlink("e", "../../../etc"), file("e/passwd"))).toEqual([
    "add e",
    "implied etc",
    "add etc/passwd",
  ]);
  expect(await short(symlink("a/e", "/"), file("a/e/../x/y"), file("a/e/z"))).toEqual([
    "implied a",
    "add a/e",
    "implied a/x",
    "add a/x/y",
    "add z",
  ]);
  expect(await short(symlink("s", "t"), file("s/.wh..wh..opq"), file("s/.wh.q"))).toEqual([
    "add s",
    "implied t",
    "opaque t",
    "whiteout t/q",
  ]);
  expect(await short(dir("d"), file("d/f"), symlink("s", "d"), link("h", "s/f"), link("i", "/s"))).toEqual([
    "add d",
    "add d/f",
    "add s",
    "link h d/f",
    "link i s",
  ]);
  // The second name of a symbolic link is one, too.
  expect(await short(symlink("s", "d"), link("t", "s"), file("t/x"))).toEqual([
    "add s",
    "link t s",
    "implied d",
    "add d/x",
  ]);
});

test("attributes that overlayfs acts on are dropped, others kept", async () => {
  const xattrs = new Map([
    ["trusted.overlay.redirect", Buffer.from("/etc")],
    ["user.overlay.opaque", Buffer.from("y")],
    ["security.capability", Buffer.from([1])],
  ]);
  const [change] = await changes({ ...file("x"), xattrs });
  expect(change?.kind === "add" && [...change.xattrs.keys()]).toEqual(["security.capability"]);
});

test.each(craftedLayers.map((layer) => [layer.name, layer] as const))("a layer with %s", async (_, layer) => {
  if (layer.refused !== undefined) expect(await refused(...layer.entries)).toContain(layer.refused);
  else expect(await refused(...layer.entries)).toStartWith("accepted: ");
});

test("an error names layer and entry", async () => {
  expect(await refused(file("../x"))).toBe('layer x: entry "../x": the path is outside of the root');
});

test("the number of entries is bounded", () => {
  const translator = new LayerTranslator("l", { entries: 1, depth: 10 });
  const entry = {
    type: "fifo",
    path: "a",
    linkPath: "",
    mode: 0,
    uid: 0,
    gid: 0,
    userName: "",
    groupName: "",
    size: 0,
    mtime: { sec: 0, nsec: 0 },
    major: 0,
    minor: 0,
    xattrs: new Map(),
  } as const;
  translator.translate(entry);
  expect(() => translator.translate(entry)).toThrow("more than 1 entries");
});

test("whatever the names, no path leaves the root and parents come first", async () => {
  const part = fc.constantFrom("a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq", ".wh.", "c");
  const name = fc
    .array(part, { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join("/"))
    .filter((n) => n !== "");
  const type = fc.constantFrom<EntryInput["type"]>("file", "directory", "symlink", "hardlink");
  const input = fc.record({ type, path: name, linkPath: name });
  await fc.assert(
    fc.asyncProperty(fc.array(input, { maxLength: 8 }), async (inputs) => {
      const translator = new LayerTranslator();
      const directories = new Set([""]);
      for await (const entry of readTar(writeTar(inputs))) {
        let made: LayerChange[];
        try {
          made = translator.translate(entry);
        } catch (error) {
          expect(error).toMatchObject({ code: "bad-archive" });
          return;
        }
        for (const change of made) {
          for (const path of "target" in change ? [change.path, change.target] : [change.path]) {
            expect(
              path.some(
                (c) => c === "" || c === "." || c === ".." || c.includes("/") || c.startsWith(".wh."),
              ),
            ).toBe(false);
            expect(directories.has(path.slice(0, -1).join("/"))).toBe(true);
          }
          const key = change.path.join("/");
          if (change.kind === "implied" || (change.kind === "add" && change.entry.type === "directory"))
            directories.add(key);
          else if (change.kind === "add" || change.kind === "link")
            for (const known of directories)
              if (known === key || known.startsWith(`${key}/`)) directories.delete(known);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test("paths as bytes and as text", () => {
  expect(Buffer.from(pathBytes([])).toString()).toBe(".");
  expect([...pathBytes(["a", "\udcff"])]).toEqual([0x61, 0x2f, 0xff]);
  expect(pathText(["a", "\udcff"])).toBe("/a/\ufffd");
});
