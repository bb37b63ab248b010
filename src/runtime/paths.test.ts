import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { components, openDirectoryTarget, openFileTarget } from "./paths.ts";

test("a path inside can't leave the root", () => {
  expect(components("/a/./b//../c/")).toEqual(["a", "c"]);
  expect(components("../../etc/passwd")).toEqual(["etc", "passwd"]);
  expect(components("/")).toEqual([]);
});

function steps(add: typeof openFileTarget, path: string): string {
  const b = new ProgramBuilder();
  add(b, b.slot("root"), path, b.slot("target"), b.slot("scratch"));
  return printProgram(b.build());
}

test("every step of a path is resolved inside of the root and by descriptor", () => {
  const text = steps(openFileTarget, "/etc/app/conf");
  expect(text).toMatchSnapshot();
  expect(text.match(/openat2\(/g)?.length).toBe(
    text.match(/RESOLVE_IN_ROOT\|RESOLVE_NO_MAGICLINKS/g)?.length ?? 0,
  );
});

test("a directory that exists costs one call", () => {
  expect(steps(openDirectoryTarget, "/proc").split("\n")[1]).toContain("?ENOENT");
});

test("a file can't take the place of the root", () => {
  expect(() => steps(openFileTarget, "/")).toThrow("a file can't be mounted on /");
});
