import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { EntryInput } from "../../src/image/mod.ts";
import { copyTree, type RootPlan } from "../../src/storage/mod.ts";
import { chain, file, world, type World } from "./world.ts";

let w: World;
let plan: RootPlan;
let before: string;
let count = 0;

const mtime = { sec: 1_600_000_000, nsec: 5 };
const link = (path: string, linkPath: string): EntryInput => ({ type: "symlink", path, linkPath });

const data: EntryInput = {
  type: "directory",
  path: "data/",
  mode: 0o2750,
  uid: 70,
  gid: 71,
  mtime,
  xattrs: new Map([["user.k", Buffer.from("v")]]),
};

beforeAll(async () => {
  w = await world();
  await w.layer("1", [
    data,
    file("data/f", "content", {
      mode: 0o4711,
      uid: 5,
      gid: 6,
      mtime,
      xattrs: new Map([["user.f", Buffer.from("w")]]),
    }),
    file("data/hidden", "no"),
    file("data/sub/deep/f", "deep"),
    { type: "hardlink", path: "data/sub/g", linkPath: "data/f" },
    link("data/l", "/etc/passwd"),
    { type: "fifo", path: "data/p", mode: 0o600 },
    {
      type: "file",
      path: "data/holes",
      size: 5_000_000,
      sparse: [{ offset: 1_000_000, length: 3 }],
      body: Buffer.from("mid"),
    },
    { type: "file", path: "data/large", size: 300_000, body: Buffer.alloc(300_000, "large") },
    link("linked", "/data/sub"),
    link("evil", "../../../../../../../../../../../../canary"),
  ]);
  const many = Array.from({ length: 1200 }, (_, at) => file(`many/${at}`, String(at)));
  await w.layer(
    "2",
    [data, file("data/.wh.hidden"), link("absolute", join(w.directory, "canary")), ...many],
    "1",
  );
  plan = w.driver.plan("x", [chain("1"), chain("2")]);
  before = w.canary();
});
afterAll(async () => await w[Symbol.asyncDispose]());

/** A new volume's directory, beside what must not change. */
function volume(): string {
  const path = join(w.root, `volume-${count++}`);
  mkdirSync(path);
  return path;
}

test("a volume takes the directory with all that belongs to it", async () => {
  const target = volume();
  expect(await copyTree(plan, "/data", target, w)).toBe(true);
  const at = (path: string) => lstatSync(join(target, path), { bigint: true });
  expect(at("")).toMatchObject({ mode: 0o42750n, uid: 70n, gid: 71n, mtimeNs: 1_600_000_000_000_000_005n });
  expect(at("f")).toMatchObject({ mode: 0o104711n, uid: 5n, gid: 6n, mtimeNs: 1_600_000_000_000_000_005n });
  expect(readFileSync(join(target, "f"), "utf8")).toBe("content");
  expect(at("sub/g").ino).toBe(at("f").ino);
  expect(readFileSync(join(target, "sub/deep/f"), "utf8")).toBe("deep");
  expect(readlinkSync(join(target, "l"))).toBe("/etc/passwd");
  expect(at("p").mode).toBe(0o10600n);
  expect(existsSync(join(target, "hidden"))).toBe(false);
  const holes = readFileSync(join(target, "holes"));
  expect([holes.length, holes.toString("utf8", 1_000_000, 1_000_003), holes[999_999]]).toEqual([
    5_000_000,
    "mid",
    0,
  ]);
  expect(statSync(join(target, "holes")).blocks * 512).toBeLessThan(100_000);
  expect(readFileSync(join(target, "large")).equals(Buffer.alloc(300_000, "large"))).toBe(true);
  expect(await w.xattr(target, "user.k")).toBe("v");
  expect(await w.xattr(join(target, "f"), "user.f")).toBe("w");
});

test("large directories are copied whole, and owners are moved into the container's range", async () => {
  const target = volume();
  expect(await copyTree(plan, "many", target, { ...w, owner: { uid: 100_000, gid: 200_000 } })).toBe(true);
  expect(readdirSync(target)).toHaveLength(1200);
  expect(readFileSync(join(target, "1199"), "utf8")).toBe("1199");
  expect(statSync(join(target, "7"))).toMatchObject({ uid: 100_000, gid: 200_000 });
  expect(statSync(target)).toMatchObject({ uid: 100_000, gid: 200_000 });
});

test("a link at the mount point leads to a directory of the image", async () => {
  const target = volume();
  expect(await copyTree(plan, "/linked", target, w)).toBe(true);
  expect(readdirSync(target).sort()).toEqual(["deep", "g"]);
});

test.each(["/evil", "/absolute", "/evil/folder", "/../../canary", "/nothing", "/data/f"])(
  "%s brings nothing of the host",
  async (path) => {
    const target = volume();
    expect(await copyTree(plan, path, target, w)).toBe(false);
    expect(readdirSync(target)).toEqual([]);
    expect(w.canary()).toBe(before);
  },
);

test("a volume that holds something stays as it is", async () => {
  const target = volume();
  writeFileSync(join(target, "mine"), "mine");
  expect(await copyTree(plan, "/data", target, w)).toBe(false);
  expect(readdirSync(target)).toEqual(["mine"]);
});
