import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { layerChanges, readTar, writeTar, type EntryInput } from "../../src/image/mod.ts";
import { Overlay2 } from "../../src/storage/overlay2.ts";
import { eventually } from "../support/containers.ts";
import { chain, file, rejection, world, type World } from "./world.ts";

let w: World;

beforeAll(async () => {
  w = await world();
});
afterAll(async () => await w[Symbol.asyncDispose]());

const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
const mtime = { sec: 1_700_000_000, nsec: 123_456_789 };
const wholeTime = 1_700_000_000_123_456_789n;

test("every kind of file gets what its entry says", async () => {
  await w.layer("1", [
    { type: "directory", path: "./", mode: 0o751, uid: 3, mtime },
    {
      type: "directory",
      path: "d/",
      mode: 0o2775,
      gid: 50,
      mtime,
      xattrs: new Map([["user.d", Buffer.from("d")]]),
    },
    file("d/f", "content", {
      mode: 0o4755,
      uid: 5,
      gid: 6,
      mtime,
      xattrs: new Map([["security.capability", capability]]),
    }),
    file("d/plain", "", { mtime }),
    { type: "symlink", path: "d/l", linkPath: "../nowhere", uid: 7, gid: 8, mtime },
    { type: "fifo", path: "d/p", mode: 0o620, mtime },
    { type: "char", path: "d/c", mode: 0o666, major: 1, minor: 3 },
    { type: "block", path: "d/b", mode: 0o660, major: 259, minor: 70_000 },
    { type: "hardlink", path: "h", linkPath: "d/f" },
    file("implied/below/f", "x"),
    file("old", "", { mtime: { sec: -5, nsec: 0 } }),
  ]);
  const at = (path: string) => lstatSync(join(w.diff("1"), path), { bigint: true });
  expect(at("")).toMatchObject({ mode: 0o40751n, uid: 3n, mtimeNs: wholeTime });
  expect(at("d")).toMatchObject({ mode: 0o42775n, gid: 50n, mtimeNs: wholeTime });
  expect(at("d/f")).toMatchObject({ mode: 0o104755n, uid: 5n, gid: 6n, nlink: 2n, mtimeNs: wholeTime });
  expect(at("d/plain")).toMatchObject({ mode: 0o100644n, uid: 0n, gid: 0n, size: 0n });
  expect(at("d/l")).toMatchObject({ uid: 7n, gid: 8n, mtimeNs: wholeTime });
  expect(readlinkSync(join(w.diff("1"), "d/l"))).toBe("../nowhere");
  expect(at("d/p")).toMatchObject({ mode: 0o10620n, mtimeNs: wholeTime });
  expect(at("d/c")).toMatchObject({ mode: 0o20666n, rdev: 0x103n });
  expect(at("d/b").mode).toBe(0o60660n);
  expect(Bun.spawnSync(["stat", "-c", "%Hr %Lr", join(w.diff("1"), "d/b")]).stdout.toString()).toBe(
    "259 70000\n",
  );
  expect(at("h").ino).toBe(at("d/f").ino);
  expect(at("implied/below").mode).toBe(0o40755n);
  expect(at("old").mtimeNs).toBe(0n);
  expect(await w.xattr(join(w.diff("1"), "d/f"), "security.capability")).toBe(capability.toString("latin1"));
  expect(await w.xattr(join(w.diff("1"), "d"), "user.d")).toBe("d");
  expect(await w.driver.layerSize(chain("1"))).toBe(18);
});

test("files of every size and with holes have their content", async () => {
  const sizes = [1, 65_535, 65_536, 65_537, 1_000_000];
  const contents = sizes.map((size) => Buffer.alloc(size, `${size} bytes `));
  const entries = contents.map((body, at): EntryInput => ({
    type: "file",
    path: `f${at}`,
    size: body.length,
    body,
  }));
  const runs = [
    { offset: 4096, length: 70_000 },
    { offset: 1_000_000, length: 5 },
  ];
  const body = Buffer.alloc(70_005, "data");
  await w.layer("2", [...entries, { type: "file", path: "holes", size: 2_000_000, sparse: runs, body }]);
  contents.forEach((content, at) =>
    expect(readFileSync(join(w.diff("2"), `f${at}`)).equals(content)).toBe(true),
  );
  const holes = readFileSync(join(w.diff("2"), "holes"));
  const expected = Buffer.alloc(2_000_000);
  body.copy(expected, 4096, 0, 70_000);
  body.copy(expected, 1_000_000, 70_000);
  expect(holes.equals(expected)).toBe(true);
  expect(statSync(join(w.diff("2"), "holes")).blocks * 512).toBeLessThan(200_000);
});

test("whiteouts and opaque directories are the overlay file system's", async () => {
  await w.layer("3", [
    file("etc/passwd", "root"),
    file("etc/group", "g"),
    file("opt/a", "a"),
    file("var/x", "x"),
  ]);
  await w.layer(
    "4",
    [
      file("etc/.wh.passwd"),
      file("opt/.wh..wh..opq"),
      file("opt/b", "b"),
      file(".wh.var"),
      file("var/y", "y"),
      { type: "directory", path: "./", mode: 0o700 },
    ],
    "3",
  );
  expect(lstatSync(join(w.diff("4"), "etc/passwd"))).toMatchObject({ rdev: 0 });
  expect(lstatSync(join(w.diff("4"), "etc/passwd")).isCharacterDevice()).toBe(true);
  expect(await w.xattr(join(w.diff("4"), "opt"), "trusted.overlay.opaque")).toBe("y");
  expect(await w.xattr(join(w.diff("4"), "var"), "trusted.overlay.opaque")).toBe("y");
  const plan = await w.driver.prepare("whiteouts", [chain("3"), chain("4")], { uid: 0, gid: 0 });
  const read = async (path: string) => {
    const content = await w.driver.readFile(plan, path, 1000);
    return content === undefined ? undefined : Buffer.from(content).toString();
  };
  expect(await read("/etc/passwd")).toBeUndefined();
  expect(await read("/etc/group")).toBe("g");
  expect([await read("/opt/a"), await read("/opt/b")]).toEqual([undefined, "b"]);
  expect([await read("/var/x"), await read("/var/y")]).toEqual([undefined, "y"]);
});

test("a layer that says nothing of its root has that of the one below", async () => {
  await w.layer("5", [{ type: "directory", path: ".", mode: 0o1777, uid: 4, gid: 5 }]);
  await w.layer("6", [file("x")], "5");
  expect(statSync(w.diff("6"))).toMatchObject({ mode: 0o41777, uid: 4, gid: 5 });
});

test("of several that unpack one layer at once, one does", async () => {
  let read = 0;
  const source = (content: string) => ({
    chainId: chain("7"),
    changes: layerChanges(
      readTar(
        (async function* counted() {
          read++;
          yield* writeTar([file("x", content)]);
        })(),
      ),
    ),
  });
  await Promise.all([w.driver.unpack(source("first")), w.driver.unpack(source("second"))]);
  await w.driver.unpack(source("third"));
  expect(read).toBe(1);
  expect(readFileSync(join(w.diff("7"), "x"), "utf8")).toBe("first");
});

test("a layer whose parent isn't there is refused, and so is what is no chain ID", async () => {
  expect(await rejection(w.layer("8", [file("x")], "f"))).toMatchObject({ code: "not-found" });
  const changes = layerChanges(readTar(writeTar([])));
  for (const chainId of ["sha256:../../x", "sha256:", "x", `sha512:${"a".repeat(64)}`])
    expect(await rejection(w.driver.unpack({ chainId, changes }))).toMatchObject({
      code: "invalid-parameter",
    });
});

test("what a crash left is gone after the next start, what was whole is there", async () => {
  mkdirSync(join(w.root, "layers", `${"9".repeat(64)}.new-1-1`, "diff"), { recursive: true });
  mkdirSync(join(w.root, "trash", "something", "deep"), { recursive: true });
  const again = await Overlay2.open({ root: w.root, executor: () => w.executor, session: w.session });
  await again.idle();
  expect(readdirSync(join(w.root, "trash"))).toEqual([]);
  expect(existsSync(join(w.root, "layers", `${"9".repeat(64)}.new-1-1`))).toBe(false);
  expect(await again.hasLayer(chain("1"))).toBe(true);
  expect(await again.hasLayer(chain("9"))).toBe(false);
  expect(await again.layerSize(chain("1"))).toBe(18);
  await again.removeLayer(chain("1"));
  expect(await again.hasLayer(chain("1"))).toBe(false);
  await again.idle();
});

test("a layer that the disk may not have whole is believed as long as the machine runs that unpacked it", async () => {
  await w.layer("8", [file("x", "content")]);
  await w.layer("9", [file("x", "content")]);
  const folder = (digit: string): string => join(w.diff(digit), "..");
  await eventually("the marks", () =>
    ["8", "9"].every((digit) => existsSync(join(folder(digit), "settled"))),
  );
  const reopen = async (): Promise<Overlay2> =>
    await Overlay2.open({ root: w.root, executor: () => w.executor, session: w.session });
  const record = (digit: string): string => join(folder(digit), "layer.json");
  // Of this run of the machine.
  rmSync(join(folder("8"), "settled"));
  expect(await (await reopen()).hasLayer(chain("8"))).toBe(true);
  await eventually("its mark again", () => existsSync(join(folder("8"), "settled")));
  // Of another one: with the mark, without it.
  for (const digit of ["8", "9"])
    writeFileSync(
      record(digit),
      readFileSync(record(digit), "utf8").replace(/"boot":"[^"]*"/, '"boot":"other"'),
    );
  rmSync(join(folder("9"), "settled"));
  const after = await reopen();
  expect([await after.hasLayer(chain("8")), await after.hasLayer(chain("9"))]).toEqual([true, false]);
  // A file that was made and never written.
  rmSync(join(folder("8"), "settled"));
  writeFileSync(record("8"), "");
  expect(await (await reopen()).layers()).not.toContain(chain("8"));
});
