import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { EnginePaths } from "./paths.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-paths-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const id = "0123456789abcdef".repeat(4);

test("users of the host may pass through the roots, and see nothing", () => {
  const paths = new EnginePaths(join(folder, "a/data"), join(folder, "b/run"));
  const mode = (path: string): number => statSync(path).mode & 0o777;
  expect([mode(paths.dataRoot), mode(paths.execRoot)]).toEqual([0o711, 0o711]);
  expect([
    mode(dirname(paths.container(id))),
    mode(paths.bundles),
    mode(join(paths.dataRoot, "trash")),
  ]).toEqual([0o700, 0o700, 0o700]);
  expect(paths.log(id)).toBe(`${folder}/a/data/containers/${id}/${id}-json.log`);
});

test("modes that somebody chose stay", () => {
  mkdirSync(join(folder, "data"));
  chmodSync(join(folder, "data"), 0o750);
  const { dataRoot } = new EnginePaths(join(folder, "data"), join(folder, "run"));
  expect(statSync(dataRoot).mode & 0o777).toBe(0o750);
});

test("a socket's name fits into sockaddr_un, however deep its folder lies", () => {
  const deep = join(folder, "x".repeat(80), "y".repeat(80));
  const paths = new EnginePaths(join(deep, "data"), join(deep, "run"));
  const exec = paths.socket(paths.exec(id, id));
  for (const [socket, place] of [
    [paths.shim(id), paths.bundle(id)],
    [paths.socket(paths.exec("c", "e")), paths.exec("c", "e")],
  ] as const) {
    mkdirSync(place, { recursive: true });
    expect(realpathSync(dirname(socket))).toBe(place);
  }
  expect(paths.shim(id).length).toBeLessThanOrEqual(107);
  expect(exec).toEndWith(`/${id}/exec/${id}/shim.sock`);
});
