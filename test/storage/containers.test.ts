import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../src/errors/mod.ts";
import { openStorage, probeIdmap, probeOverlay } from "../../src/storage/mod.ts";
import { chain, file, owner, rejection, world, type World } from "./world.ts";

let w: World;
const image = [chain("1"), chain("2")];

beforeAll(async () => {
  w = await world();
  await w.layer("1", [
    { type: "directory", path: ".", mode: 0o1755 },
    file("etc/passwd", "root:x:0:0"),
    file("usr/etc/group", "wheel"),
    { type: "symlink", path: "etc/group", linkPath: "/usr/etc/group" },
    { type: "symlink", path: "etc/shadow", linkPath: "../../../../../../canary/file" },
    { type: "symlink", path: "proc", linkPath: "/proc/self/root" },
    { type: "fifo", path: "etc/fifo" },
    { type: "char", path: "etc/zero", major: 1, minor: 5, mode: 0o666 },
    file("etc/large", "x".repeat(100_000)),
  ]);
  await w.layer("2", [file("etc/hosts", "localhost")], "1");
});
afterAll(async () => await w[Symbol.asyncDispose]());

test("a container's folder belongs to its root, under a folder that users can't enter", async () => {
  const plan = await w.driver.prepare("fresh", image, owner);
  const init = expect.stringContaining(join(w.root, "init"));
  expect(plan).toEqual({
    kind: "overlay",
    lower: [init, w.diff("2"), w.diff("1")],
    upper: join(w.root, "containers/fresh/diff"),
    work: join(w.root, "containers/fresh/work"),
  });
  expect(w.driver.plan("fresh", image)).toEqual(plan);
  expect(lstatSync(join(w.root, "containers/fresh/diff"))).toMatchObject({ mode: 0o41755, ...owner });
  for (const path of ["", "containers", "containers/fresh", "layers", "trash"])
    expect([path, statSync(join(w.root, path)).mode & 0o777]).toEqual([path, 0o710]);
  expect(await w.driver.containers()).toContain("fresh");
  expect(await rejection(w.driver.prepare("fresh", image, owner))).toMatchObject({ errnoName: "EEXIST" });
});

test("an image without layers has a root too", async () => {
  expect(await w.driver.prepare("scratch", [], owner)).toMatchObject({ lower: [join(w.root, "empty")] });
});

test("names that are no IDs, and images that aren't unpacked, are refused", async () => {
  for (const name of ["..", "../x", "", "a/b", ".hidden"])
    expect(await rejection(w.driver.prepare(name, image, owner))).toMatchObject({
      code: "invalid-parameter",
    });
  const missing = w.driver.prepare("x", [chain("f")], owner);
  expect(await rejection(missing)).toMatchObject({ code: "not-found" });
  expect(await w.driver.containers()).not.toContain("x");
});

test("removal frees the name at once and everything soon", async () => {
  await w.driver.prepare("gone", image, owner);
  mkdirSync(join(w.root, "containers/gone/diff/a/b/c"), { recursive: true });
  await w.driver.remove("gone");
  await w.driver.prepare("gone", image, owner);
  await w.driver.remove("gone");
  await w.driver.remove("gone");
  expect(await w.driver.containers()).not.toContain("gone");
  await w.driver.idle();
  expect(readdirSync(join(w.root, "trash"))).toEqual([]);
});

test("what a container wrote is counted, each file once", async () => {
  await w.driver.prepare("size", image, owner);
  const diff = join(w.root, "containers/size/diff");
  expect(await w.driver.containerSize("size")).toBe(0);
  mkdirSync(join(diff, "a/b"), { recursive: true });
  writeFileSync(join(diff, "a/f"), "x".repeat(1000));
  linkSync(join(diff, "a/f"), join(diff, "a/b/g"));
  symlinkSync(w.directory, join(diff, "out"));
  for (let at = 0; at < 1500; at++)
    writeFileSync(join(diff, "a/b", `file with a long name, number ${at}`), "1");
  expect(await w.driver.containerSize("size")).toBe(1000 + w.directory.length + 1500);
});

test("a file is read as the container sees it", async () => {
  const plan = await w.driver.prepare("read", image, owner);
  const diff = join(w.root, "containers/read/diff");
  const read = async (path: string, limit = 1000) => {
    const content = await w.driver.readFile(plan, path, limit);
    return content === undefined ? undefined : Buffer.from(content).toString();
  };
  for (let time = 0; time < 2; time++) {
    expect(await read("/etc/passwd")).toBe("root:x:0:0");
    expect(await read("etc//./passwd")).toBe("root:x:0:0");
    expect(await read("/etc/../etc/hosts")).toBe("localhost");
    expect(await read("/etc/group")).toBe("wheel");
    expect(await read("/etc/nothing")).toBeUndefined();
    expect(await read("/etc/passwd/x")).toBeUndefined();
    // Neither leads out of the root, where a file would be.
    expect(await read("/etc/shadow")).toBeUndefined();
    expect(await read("/proc/etc/hostname")).toBeUndefined();
    expect((await read("/etc/large", 1 << 20))?.length).toBe(100_000);
    expect(messageOf(await rejection(read("/etc/large", 99_999)))).toContain(
      "/etc/large in the container is larger than 99999 bytes",
    );
    expect(messageOf(await rejection(read("/etc/passwd", 5)))).toContain("is larger than 5 bytes");
    for (const path of ["/etc/fifo", "/etc/zero", "/etc", "/"])
      expect(messageOf(await rejection(read(path)))).toContain(
        `${path} in the container is not a regular file`,
      );
  }
  // What a container writes changes only what it sees itself.
  mkdirSync(join(diff, "etc"));
  expect(await read("/etc/passwd")).toBe("root:x:0:0");
  writeFileSync(join(diff, "etc/passwd"), "mine");
  expect(await read("/etc/passwd")).toBe("mine");
  writeFileSync(join(diff, "etc/large"), "y".repeat(70_000));
  expect((await read("/etc/large", 1 << 20))?.slice(-2)).toBe("yy");
  symlinkSync("passwd", join(diff, "etc/hosts"));
  expect(await read("/etc/hosts")).toBe("mine");
  mkdirSync(join(diff, "usr/etc"), { recursive: true });
  writeFileSync(join(diff, "usr/etc/group"), "mine too");
  expect(await read("/etc/group")).toBe("mine too");
  // Nobody ever writes to this.
  unlinkSync(join(diff, "etc/passwd"));
  Bun.spawnSync(["mkfifo", join(diff, "etc/passwd")]);
  expect(messageOf(await rejection(read("/etc/passwd")))).toContain(
    "/etc/passwd in the container is not a regular file",
  );
  const other = await w.driver.prepare("other", image, owner);
  expect(Buffer.from((await w.driver.readFile(other, "/etc/group", 1000)) ?? []).toString()).toBe("wheel");
  expect(Buffer.from((await w.driver.readFile(other, "/etc/passwd", 1000)) ?? []).toString()).toBe(
    "root:x:0:0",
  );
});

test("probing says what the file system can do", async () => {
  expect(await probeOverlay(w.executor, w.root)).toMatchObject({ supported: true });
  expect(await probeIdmap(w.executor, w.root)).toEqual({ supported: true });
  expect(await probeIdmap(w.executor, "/proc")).toMatchObject({ supported: false });
  expect(await probeOverlay(w.executor, "/proc")).toMatchObject({ supported: false });
});

test("the folders' modes are put right, and only drivers that exist are opened", async () => {
  chmodSync(w.root, 0o777);
  const options = { root: w.root, executor: () => w.executor, session: w.session };
  expect((await openStorage(undefined, options)).name).toBe("overlay2");
  expect(statSync(w.root).mode & 0o777).toBe(0o710);
  expect(await rejection(openStorage("btrfs", options))).toMatchObject({ code: "not-implemented" });
});
