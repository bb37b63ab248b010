import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkProcSource, ensureBindSources } from "./bind-sources.ts";
import type { MountPoint } from "./container.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-binds-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function mount(source: string, more: Partial<MountPoint> = {}): MountPoint {
  return { type: "bind", source, destination: "/x", writable: true, ...more } as MountPoint;
}

test("a source of -v that is missing is made, one of --mount is not", () => {
  const [made, left] = [join(folder, "a/b"), join(folder, "c")];
  ensureBindSources({
    mounts: [mount(made), mount(left, { mustExist: true }), mount(join(folder, "d"), { type: "volume" })],
  });
  expect(statSync(made).isDirectory()).toBe(true);
  expect([existsSync(left), existsSync(join(folder, "d"))]).toEqual([false, false]);
});

test("what is there stays as it is, also a file; below one nothing can be made", () => {
  const file = join(folder, "file");
  writeFileSync(file, "x");
  ensureBindSources({ mounts: [mount(file)] });
  expect(statSync(file).size).toBe(1);
  expect(() => ensureBindSources({ mounts: [mount(join(file, "below"))] })).toThrow(
    `error while creating mount source path '${file}/below': `,
  );
});

test("over /proc there may be a procfs alone", () => {
  expect(checkProcSource(mount("/proc", { destination: "/proc" }))).toBeUndefined();
  expect(checkProcSource(mount(folder, { destination: "/proc/x" }))).toBeUndefined();
  expect(checkProcSource(mount(folder, { destination: "/proc", type: "volume" }))).toBeUndefined();
  const text = `error mounting "${folder}" to rootfs at "/proc": "/proc" cannot be mounted because it is not of type proc`;
  expect(() => checkProcSource(mount(folder, { destination: "/proc" }))).toThrow(text);
  const missing = join(folder, "missing");
  expect(() => ensureBindSources({ mounts: [mount(missing, { destination: "/proc" })] })).toThrow(
    "not of type proc",
  );
  expect(existsSync(missing)).toBe(false);
});
