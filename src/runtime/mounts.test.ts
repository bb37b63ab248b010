import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { hostIds } from "./namespaces.ts";
import { attachMounts, makeScratch, planMounts, prepareMounts } from "./mounts.ts";
import type { SpecMount } from "./spec.ts";
import { exampleContext, exampleSpec } from "./testing.ts";

/** What the parent prepares, and what the container's process then does. */
function mounted(...mounts: readonly SpecMount[]): { readonly parent: string; readonly child: string } {
  const context = exampleContext({ spec: { ...exampleSpec(), mounts } });
  const program = (child: boolean): string => {
    const b = new ProgramBuilder();
    const [root, user, scratch] = [b.slot("root"), b.slot("user"), makeScratch(b)];
    const planned = planMounts(b, context);
    if (child) attachMounts(b, context, root, planned, scratch);
    else prepareMounts(b, context, planned, hostIds(context.spec.linux), user, scratch);
    return printProgram(b.build());
  };
  return { parent: program(false), child: program(true) };
}

test("a bind is the parent's to take, and private unless it says otherwise", () => {
  const { parent, child } = mounted({
    destination: "/x",
    source: "/srv",
    type: "bind",
    options: ["bind", "ro"],
  });
  expect(parent).toContain('open_tree(AT_FDCWD, "/srv", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH)');
  expect(parent).toContain("AT_EMPTY_PATH|AT_RECURSIVE, {propagation=MS_PRIVATE}");
  expect(parent).toContain("{attr_set=MOUNT_ATTR_RDONLY, ");
  expect(child).toContain("move_mount(<mount /x>");
  expect(child).not.toContain("open_tree");
  expect(mounted({ destination: "/x", source: "/srv", options: ["rbind", "shared"] }).parent).toContain(
    "AT_EMPTY_PATH, {propagation=MS_SHARED}",
  );
});

test("ids are mapped only for those who ask", () => {
  const bind = (...options: readonly string[]): string =>
    mounted({ destination: "/x", source: "/srv", type: "bind", options: ["rbind", ...options] }).parent;
  expect(bind("idmap")).toContain("userns_fd=user");
  expect(bind()).not.toContain("userns_fd");
});

test("what a user namespace may mount, its own process mounts", () => {
  const { parent, child } = mounted(
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid"] },
    { destination: "/run", type: "tmpfs", options: ["size=1k"] },
  );
  expect(parent).toBe("\n");
  expect(child.indexOf('fsopen("proc"')).toBeLessThan(child.indexOf('fsopen("tmpfs"'));
  expect(child).toContain('"size", "1k"');
});

test("/dev is the parent's, however it is spelled", () => {
  expect(mounted({ destination: "/dev/", type: "tmpfs", options: [] }).parent).toContain("mknodat(");
  expect(mounted({ destination: "/dev/shm", type: "tmpfs", options: [] }).parent).toBe("\n");
});

test("a kernel without mqueue gives a container without it", () => {
  const { child } = mounted({ destination: "/dev/mqueue", type: "mqueue" });
  expect(child).toMatch(/fsopen\("mqueue".*ENODEV/);
  expect(child).toMatch(/move_mount\(.*\(if open\)/);
});

test("what can't be mounted is refused", () => {
  expect(() => mounted({ destination: "/x" })).toThrow("the mount on /x has the unknown type none");
  expect(() => mounted({ destination: "/x", type: "overlay", options: ["ro"] })).toThrow("has no layers");
  expect(() => mounted({ destination: "/x", type: "bind", options: ["bind"] })).toThrow(
    "the bind on /x has no source",
  );
});

test("what only the host's root may mount is the parent's, with its options and mapped ids", () => {
  const { parent, child } = mounted({
    destination: "/x",
    type: "ext4",
    source: "/dev/sdz",
    options: ["noatime", "errors=remount-ro", "ro", "idmap"],
  });
  expect(parent).toContain('fsopen("ext4"');
  expect(parent).toContain('"source", "/dev/sdz"');
  expect(parent).toContain('"errors", "remount-ro"');
  expect(parent).toContain("userns_fd=user");
  expect(child).not.toContain("fsopen");
  expect(child).toContain("move_mount(<mount /x>");
});

test("an image's layers are one read-only file system, a single layer is it by itself", () => {
  const image = (...options: readonly string[]): string =>
    mounted({ destination: "/x", type: "overlay", source: "overlay", options: ["ro", ...options] }).parent;
  const two = image("lowerdir=/l/b:/l/a\\:1", "idmap");
  expect(two).toContain('open_tree(AT_FDCWD, "/l/b"');
  expect(two).toContain('open_tree(AT_FDCWD, "/l/a:1"');
  expect(two).toContain('fsopen("overlay"');
  expect(two.match(/userns_fd=user/g)).toHaveLength(2);
  const one = image("lowerdir=/l/a");
  expect(one).not.toContain("fsopen");
  expect(one).toContain("{attr_set=MOUNT_ATTR_RDONLY}");
});

test("a part is found inside of what is mounted, and no link leads out of it", () => {
  const { child } = mounted({
    destination: "/x",
    type: "bind",
    source: "/volume",
    options: ["rbind"],
    subpath: "a/b",
  });
  expect(child).toContain('openat2(<mount /x>, "a/b", {flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_BENEATH');
  expect(child.indexOf("umount2")).toBeLessThan(child.indexOf("# mount /x"));
});
