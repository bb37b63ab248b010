import { expect, test } from "bun:test";
import type { Spec } from "../../runtime/mod.ts";
import { injectDevices } from "./inject.ts";
import type { CdiEdits, CdiRegistry } from "./specs.ts";

const spec = {
  process: { env: ["A=1", "B=2"], user: { uid: 0, gid: 0, additionalGids: [5] } },
  mounts: [],
  linux: { devices: [{ type: "c", path: "/dev/d", major: 1, minor: 1 }], namespaces: [] },
} as unknown as Spec;

const look = (path: string): { type: "c" | "b"; major: number; minor: number; mode: number } =>
  path === "/dev/disk"
    ? { type: "b", major: 8, minor: 0, mode: 0o660 }
    : { type: "c", major: 7, minor: 3, mode: 0o600 };

function registry(edits: CdiEdits, whole: CdiEdits = {}): CdiRegistry {
  const file = { kind: "v.com/c", devices: [], containerEdits: whole, path: "/x" };
  const devices = ["d", "e"].map((name) => [`v.com/c=${name}`, { edits, spec: file }] as const);
  return { devices: new Map(devices), problems: ["failed to load CDI Spec /y: broken"] };
}

test("variables, devices, mounts and groups; what concerns all devices of a file comes once", () => {
  const edits: CdiEdits = {
    env: ["B=3"],
    deviceNodes: [
      { path: "/dev/d" },
      { path: "/dev/f", hostPath: "/dev/disk", permissions: "r", uid: 4, fileMode: 0o640 },
    ],
    mounts: [{ hostPath: "/lib/x", containerPath: "/x", options: ["ro", "nosuid"] }],
    additionalGids: [5, 9, 0],
  };
  const names = ["v.com/c=d", "v.com/c=e"];
  const { spec: made, rules } = injectDevices(spec, names, registry(edits, { env: ["ALL=1"] }), true, look);
  expect(made.process.env).toEqual(["A=1", "ALL=1", "B=3"]);
  expect(made.process.user.additionalGids).toEqual([5, 9]);
  expect(made.mounts[0]).toEqual({
    destination: "/x",
    source: "/lib/x",
    type: "bind",
    options: ["bind", "ro", "nosuid", "idmap"],
  });
  expect(made.linux.devices).toEqual([
    { type: "c", path: "/dev/d", major: 7, minor: 3, fileMode: 0o600 },
    { type: "b", path: "/dev/f", major: 8, minor: 0, fileMode: 0o640, uid: 4 },
  ]);
  expect(rules.slice(0, 2)).toEqual([
    { allow: true, type: "c", major: 7, minor: 3, access: "rwm" },
    { allow: true, type: "b", major: 8, minor: 0, access: "r" },
  ]);
});

test("what nobody describes, and what can't be done", () => {
  const inject = (names: readonly string[], edits: CdiEdits): unknown =>
    injectDevices(spec, names, registry(edits), false, look);
  expect(() => inject(["v.com/c=d", "x.com/y=z"], {})).toThrow(
    "CDI device injection failed: unresolvable CDI devices x.com/y=z (failed to load CDI Spec /y: broken)",
  );
  expect(() => inject(["v.com/c=d"], { hooks: [{ hookName: "createContainer", path: "/bin/x" }] })).toThrow(
    "the hook createContainer /bin/x of CDI device v.com/c=d is not supported",
  );
  expect(() => inject(["v.com/c=d"], { intelRdt: {} })).toThrow("intelRdt of CDI device");
});
