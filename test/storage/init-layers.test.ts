import { afterAll, beforeAll, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Overlay2 } from "../../src/storage/overlay2.ts";
import { chain, file, owner, world, type World } from "./world.ts";

let w: World;

beforeAll(async () => {
  w = await world();
});
afterAll(async () => await w[Symbol.asyncDispose]());

/** What the init layer of the image of one layer holds, by path. */
async function initOf(digit: string): Promise<Record<string, string>> {
  const { lower } = await w.driver.prepare(`of-${digit}`, [chain(digit)], owner);
  expect(lower.at(-1)).toBe(w.diff(digit));
  const [init] = lower;
  if (lower.length === 1 || init === undefined) return {};
  const names = readdirSync(init, { recursive: true }).map(String).toSorted();
  return Object.fromEntries(
    names.map((name) => {
      const { mode, uid, gid } = lstatSync(join(init, name));
      return [name, `${mode.toString(8)} ${uid}:${gid}`];
    }),
  );
}

const places = {
  ".dockerenv": "100755 0:0",
  dev: "40755 0:0",
  "dev/console": "100755 0:0",
  "dev/pts": "40755 0:0",
  "dev/shm": "40755 0:0",
  proc: "40755 0:0",
  sys: "40755 0:0",
};
const etc = {
  etc: "40755 0:0",
  "etc/hostname": "100755 0:0",
  "etc/hosts": "100755 0:0",
  "etc/mtab": "120777 0:0",
  "etc/resolv.conf": "100755 0:0",
};

test("an image that has nothing gets everything", async () => {
  await w.layer("1", [file("hello")]);
  expect(await initOf("1")).toEqual({ ...places, ...etc });
  expect(readdirSync(join(w.root, "containers/of-1/diff"))).toEqual([]);
});

test("what the image has stays as it is: a directory keeps owner, mode and time", async () => {
  const mtime = { sec: 1_000_000_000, nsec: 0 };
  await w.layer("2", [
    { type: "directory", path: "etc", mode: 0o1711, uid: 7, gid: 8, mtime },
    file("etc/hosts", "127.0.0.1 localhost"),
    { type: "directory", path: "proc", mode: 0o555 },
  ]);
  const { proc, ...others } = places;
  expect(await initOf("2")).toEqual({
    ...others,
    etc: "41711 7:8",
    "etc/hostname": etc["etc/hostname"],
    "etc/mtab": etc["etc/mtab"],
    "etc/resolv.conf": etc["etc/resolv.conf"],
  });
  const [init = ""] = w.driver.plan("of-2", [chain("2")]).lower;
  expect(statSync(join(init, "etc")).mtimeMs).toBe(1e12);
  expect(proc).toBe("40755 0:0");
});

test("a link in the image's way is not covered, nor is a directory with attributes", async () => {
  await w.layer("3", [
    { type: "symlink", path: "etc", linkPath: "/canary" },
    { type: "symlink", path: "dev", linkPath: "../../../../../canary/folder" },
  ]);
  expect(await initOf("3")).toEqual({
    ".dockerenv": places[".dockerenv"],
    proc: places.proc,
    sys: places.sys,
  });
  await w.layer("4", [{ type: "directory", path: "etc", xattrs: new Map([["user.a", Buffer.from("b")]]) }]);
  expect(await initOf("4")).toEqual(places);
});

test("an engine finds what an earlier one made, and removes what another run of the machine made", async () => {
  const sessions = { root: w.root, executor: () => w.executor, session: w.session };
  const stale = join(w.root, "init/another-run");
  mkdirSync(join(stale, "1"), { recursive: true });
  const [half] = readdirSync(join(w.root, "init")).filter((name) => name !== "another-run");
  mkdirSync(join(w.root, "init", half ?? "", "5.new"));
  const next = await Overlay2.open(sessions);
  expect(next.plan("of-1", [chain("1")])).toEqual(w.driver.plan("of-1", [chain("1")]));
  expect(readdirSync(join(w.root, "init"))).toEqual([half ?? ""]);
  expect(readdirSync(join(w.root, "init", half ?? ""))).not.toContain("5.new");
  await next.idle();
});

test("a removed layer takes its init layer with it", async () => {
  const [init = ""] = w.driver.plan("of-1", [chain("1")]).lower;
  await w.driver.removeLayer(chain("1"));
  expect(w.driver.plan("of-1", [chain("1")]).lower).toEqual([w.diff("1")]);
  expect(() => statSync(init)).toThrow("ENOENT");
});

test("where none can be made, containers are made without", async () => {
  await w.layer("6", [file("hello")]);
  // Something else has the name.
  const [boot = ""] = readdirSync(join(w.root, "init"));
  mkdirSync(join(w.root, "init", boot, `${"6".repeat(64)}.new`));
  expect(await initOf("6")).toEqual({});
  expect(readdirSync(join(w.root, "containers/of-6/diff"))).toEqual([".dockerenv"]);
});
