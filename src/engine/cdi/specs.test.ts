import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeHostPaths } from "../fake-services.ts";
import { parseSpec, readCdiFolders } from "./specs.ts";

const yaml = `
cdiVersion: "0.6.0"
kind: vendor.com/class
devices:
  - name: one
    containerEdits:
      deviceNodes: [{ path: /dev/one, hostPath: /dev/null, permissions: rw }]
  - name: "2"
    containerEdits: {}
containerEdits:
  env: [A=b]
`;

test("a specification in YAML and in JSON", () => {
  const spec = parseSpec(yaml, "/x.yaml");
  expect(spec.devices.map(({ name }) => name)).toEqual(["one", "2"]);
  expect(spec.containerEdits).toEqual({ env: ["A=b"] });
  const { path: _, ...written } = { ...spec, cdiVersion: "1.1.0" };
  expect(parseSpec(JSON.stringify(written), "/x.yaml")).toEqual(spec);
});

test.each([
  ["[]", "it is no object"],
  ["cdiVersion: 9.0.0", "unknown cdiVersion 9.0.0"],
  ["{cdiVersion: 0.6.0, kind: x}", 'invalid kind "x"'],
  ["{cdiVersion: 0.6.0, kind: a/b}", "it has no devices"],
  ['{cdiVersion: 0.6.0, kind: a/b, devices: [{name: "-"}]}', 'invalid device name "-"'],
  ["{cdiVersion: 0.6.0, kind: a/b, devices: [{name: a}, {name: a}]}", "device a is there twice"],
  [
    "{cdiVersion: 0.6.0, kind: a/b, devices: [{name: a, containerEdits: {env: [x]}}]}",
    "env of containerEdits",
  ],
  [
    "{cdiVersion: 0.6.0, kind: a/b, devices: [{name: a, containerEdits: {mounts: [{hostPath: /a}]}}]}",
    "mounts of containerEdits is not valid",
  ],
])("%s is refused", (text, reason) => {
  expect(() => parseSpec(text, "/x")).toThrow(reason);
});

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cdi-"));
  for (const folder of ["a", "b"]) mkdirSync(join(root, folder));
});
afterEach(() => rmSync(root, { recursive: true }));

const device = (value: string): string =>
  `{cdiVersion: 0.6.0, kind: v.com/c, devices: [{name: d, containerEdits: {env: [FROM=${value}]}}]}`;

test("later folders win, two in one folder are none, what is broken is told", async () => {
  const folders = [join(root, "a"), join(root, "none"), join(root, "b")];
  writeFileSync(join(root, "a/1.yaml"), device("a"));
  writeFileSync(join(root, "a/broken.json"), "{");
  writeFileSync(join(root, "a/not-looked-at"), "{");
  const first = await readCdiFolders(folders, fakeHostPaths);
  expect(first.devices.get("v.com/c=d")?.edits).toEqual({ env: ["FROM=a"] });
  expect(first.problems).toEqual([expect.stringContaining(`failed to load CDI Spec ${root}/a/broken.json`)]);
  writeFileSync(join(root, "b/1.json"), device("b"));
  expect((await readCdiFolders(folders, fakeHostPaths)).devices.get("v.com/c=d")?.edits).toEqual({
    env: ["FROM=b"],
  });
  writeFileSync(join(root, "b/2.json"), device("c"));
  const twice = await readCdiFolders(folders, fakeHostPaths);
  expect(twice.devices.size).toBe(0);
  expect(twice.problems[1]).toContain('conflicting device "v.com/c=d"');
});
