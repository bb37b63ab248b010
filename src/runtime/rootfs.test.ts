import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder, type Operation, type Slot } from "../kernel/mod.ts";
import type { RootFileSystem } from "./context.ts";
import { attachRoot, makeRoot, pivotRoot } from "./rootfs.ts";

function printed(add: (b: ProgramBuilder, root: Slot, scratch: Slot) => void): string {
  const b = new ProgramBuilder();
  add(b, b.slot("root"), b.slot("scratch"));
  return printProgram(b.build());
}

const overlay = { kind: "overlay", lower: ["/l/b", "/l/a"], upper: "/c/diff", work: "/c/work" } as const;

test("layers are joined topmost first, by their paths", () => {
  const text = printed((b, root, scratch) => makeRoot(b, overlay, undefined, scratch, root));
  const options = [...text.matchAll(/FSCONFIG_SET_STRING, "([^"]+)", "([^"]+)"/g)].map(([, key, value]) => [
    key,
    value,
  ]);
  expect(options).toEqual([
    ["source", "overlay"],
    ["lowerdir+", "/l/b"],
    ["lowerdir+", "/l/a"],
    ["upperdir", "/c/diff"],
    ["workdir", "/c/work"],
    ["redirect_dir", "off"],
    ["metacopy", "off"],
  ]);
  expect(text).not.toContain("open_tree");
});

test("with a user namespace each layer is a mapped copy, by its descriptor, which stays open", () => {
  const text = printed((b, root, scratch) => makeRoot(b, overlay, b.slot("user"), scratch, root));
  for (const [index, path] of overlay.lower.entries()) {
    expect(text).toContain(`open_tree(AT_FDCWD, "${path}"`);
    expect(text).toContain(`"lowerdir+", "/proc/self/fd/<layer ${index}>"`);
    expect(text).not.toContain(`close(<layer ${index}>)`);
  }
  expect(text.match(/attr_set=MOUNT_ATTR_IDMAP, propagation=MS_PRIVATE, userns_fd=user/g)).toHaveLength(2);
});

test("a directory is taken with all that is mounted in it, cut off from the host's events before it is mapped", () => {
  const root = { kind: "directory", path: "/bundle/rootfs" } as const;
  const text = printed((b, into, scratch) => makeRoot(b, root, b.slot("user"), scratch, into));
  const [take, detach, map] = ["open_tree(", "propagation=MS_PRIVATE", "MOUNT_ATTR_IDMAP"].map((part) =>
    text.indexOf(part),
  );
  expect(text).toContain('"/bundle/rootfs", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE');
  expect(take).toBeGreaterThan(0);
  expect(detach).toBeGreaterThan(take ?? 0);
  expect(map).toBeGreaterThan(detach ?? 0);
});

test("no layers are no root", () => {
  const none = { ...overlay, lower: [] };
  expect(() => printed((b, root, scratch) => makeRoot(b, none, undefined, scratch, root))).toThrow(
    "an overlay root needs at least one layer",
  );
});

test("nothing is attached before the host's mount events are cut off", () => {
  const text = printed((b, root, scratch) => attachRoot(b, root, scratch));
  expect(text.indexOf('mount(0, "/", 0, MS_REC|MS_PRIVATE, 0)')).toBeGreaterThan(0);
  expect(text.indexOf("move_mount(")).toBeGreaterThan(text.indexOf("MS_REC|MS_PRIVATE"));
});

test("after the pivot the host's mounts are gone; propagation comes last", () => {
  const pivot = (propagation?: string): string => printed((b, root) => pivotRoot(b, root, propagation));
  const text = pivot("rslave");
  const order = [
    "fchdir(<root>)",
    'pivot_root(".", ".")',
    'umount2(".", MNT_DETACH)',
    'chdir("/")',
    "MS_REC|MS_SLAVE",
  ];
  const places = order.map((part) => text.indexOf(part));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
  expect(pivot("shared")).toContain('mount(0, "/", 0, MS_SHARED, 0)');
  expect(pivot("rprivate")).toBe(pivot());
  expect(() => pivot("odd")).toThrow("unknown rootfsPropagation odd");
});

function made(root: RootFileSystem): readonly Operation[] {
  const b = new ProgramBuilder();
  makeRoot(b, root, b.slot("user"), b.slot("context"), b.slot("root"));
  return b.build().operations;
}

const shown = (argument: unknown): unknown => (argument as { text?: string }).text;

test("an earlier run's root is waited for before this one is made", () => {
  const calls = made(overlay).map(({ call }) => call);
  expect(calls.indexOf("flock")).toBeLessThan(calls.indexOf("fsopen"));
});

test("root, layers and lock are kept until the exit, in this order: the lock says that the others are gone", () => {
  const keep = made(overlay).find(({ call }) => call === "keep");
  expect(shown(keep?.args[0])).toBe("[<root>, <layer 0>, <layer 1>, <lock>]");
});

test("a volatile root is told so, and forgets the mark of an earlier run", () => {
  const operations = made({ ...overlay, volatile: true });
  const options = operations.filter(({ call }) => call === "fsconfig").map(({ args }) => args[2]);
  expect(options).toContain("volatile");
  const calls = operations.map(({ call }) => call);
  expect(calls.indexOf("remove")).toBeGreaterThan(calls.indexOf("flock"));
  expect(calls.indexOf("remove")).toBeLessThan(calls.indexOf("fsopen"));
  expect(made(overlay).map(({ call }) => call)).not.toContain("remove");
});

test("a directory as the root is kept as well", () => {
  const keep = made({ kind: "directory", path: "/bundle/rootfs" }).find(({ call }) => call === "keep");
  expect(shown(keep?.args[0])).toBe("[<root>]");
});
