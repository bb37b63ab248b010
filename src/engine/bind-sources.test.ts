import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../errors/mod.ts";
import { checkProcSource, ensureBindSources, hostSource } from "./bind-sources.ts";
import type { MountPoint } from "./container.ts";
import { fakeHostPaths } from "./fake-services.ts";
import type { Services } from "./services.ts";

const volumes = { localPath: (name: string) => `/volumes/${name}`, isMountedOver: () => false };
const services = { hostPaths: fakeHostPaths, volumes } as unknown as Services;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-binds-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function mount(source: string, more: Partial<MountPoint> = {}): MountPoint {
  return { type: "bind", source, destination: "/x", writable: true, ...more } as MountPoint;
}

test("a source of -v that is missing is made, one of --mount is not", async () => {
  const [made, left] = [join(folder, "a/b"), join(folder, "c")];
  await ensureBindSources(services, {
    mounts: [mount(made), mount(left, { mustExist: true }), mount(join(folder, "d"), { type: "volume" })],
  });
  expect(statSync(made).isDirectory()).toBe(true);
  expect([existsSync(left), existsSync(join(folder, "d"))]).toEqual([false, false]);
});

test("what is there stays as it is, also a file; what can't be made is told", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "x");
  await ensureBindSources(services, { mounts: [mount(file)] });
  expect(statSync(file).size).toBe(1);
  const below = ensureBindSources(services, { mounts: [mount(join(file, "below"))] });
  expect(await below.catch(messageOf)).toContain("not a directory");
});

test("over /proc there may be a procfs alone", async () => {
  expect(checkProcSource(mount("/proc", { destination: "/proc" }), { proc: true })).toBeUndefined();
  expect(checkProcSource(mount(folder, { destination: "/proc/x" }), undefined)).toBeUndefined();
  expect(checkProcSource(mount(folder, { destination: "/proc", type: "volume" }), undefined)).toBeUndefined();
  const text = `error mounting "${folder}" to rootfs at "/proc": "/proc" cannot be mounted because it is not of type proc`;
  expect(() => checkProcSource(mount(folder, { destination: "/proc" }), { proc: false })).toThrow(text);
  const missing = join(folder, "missing");
  const refused = ensureBindSources(services, { mounts: [mount(missing, { destination: "/proc" })] });
  expect(await refused.catch(messageOf)).toContain("not of type proc");
  expect(existsSync(missing)).toBe(false);
});

test("whose path a source is: a user's are looked at by an executor, the engine's own are not", () => {
  expect(hostSource(mount("/x"))).toBe("/x");
  expect(hostSource(mount("/data/v", { type: "volume", driver: "local" }))).toBeUndefined();
  expect(hostSource(mount("/plugin/v", { type: "volume", driver: "theirs" }))).toBe("/plugin/v");
  const backing = { type: "none", device: "/slow", options: ["bind"] };
  expect(hostSource(mount("/data/v", { type: "volume", backing }))).toBe("/slow");
  expect(
    hostSource(mount("/data/v", { type: "volume", backing: { ...backing, options: [] } })),
  ).toBeUndefined();
});
