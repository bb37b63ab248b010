import { expect, test } from "bun:test";
import { flags, MOUNT_ATTR } from "./flags.ts";
import { makeOverlay, type Overlay } from "./overlay.ts";
import { printProgram } from "./print.ts";
import { ProgramBuilder, type Slot } from "./program.ts";

function printed(staged: boolean, change: (layer: Slot) => Partial<Overlay> = () => ({})): string {
  const b = new ProgramBuilder();
  const layer = b.slot("layer");
  const overlay: Overlay = {
    lower: [layer, "/l/a"],
    options: [["index", "off"]],
    attributes: flags(MOUNT_ATTR, "NODEV"),
    ...change(layer),
  };
  makeOverlay(b, "make it", overlay, staged, b.slot("context"), b.slot("root"));
  return printProgram(b.build());
}

const upper = { path: "/c/diff", work: "/c/work" };

test("by descriptor: layers one by one, then where changes go", () => {
  const options = [
    ...printed(false, () => ({ upper })).matchAll(/FSCONFIG_SET_STRING, "([^"]+)", "([^"]+)"/g),
  ];
  expect(options.map(([, key, value]) => `${key}=${value}`)).toEqual([
    "source=overlay",
    "lowerdir+=/proc/self/fd/<layer>",
    "lowerdir+=/l/a",
    "upperdir=/c/diff",
    "workdir=/c/work",
    "index=off",
  ]);
  expect(printed(false)).not.toContain("unshare");
});

test("staged: everything happens between leaving the mount namespace, cut off, and coming back", () => {
  const text = printed(true, () => ({ upper }));
  const order = [
    'openat(AT_FDCWD, "/proc/self/ns/mnt"',
    "unshare(CLONE_NEWNS)",
    'mount(0, "/", 0, MS_REC|MS_PRIVATE, 0)',
    // Or what is mounted on top of it would be mounted on the host.
    'mount_setattr(<layer>, "", AT_EMPTY_PATH, {propagation=MS_PRIVATE}',
    "move_mount(<layer>",
    'openat(AT_FDCWD, "/l/a"',
    'openat(AT_FDCWD, "/c/diff"',
    'mount("overlay", "root", "overlay"',
    "open_tree(",
    "setns(",
  ];
  const places = order.map((part) => text.indexOf(part));
  expect(places.every((place) => place >= 0)).toBe(true);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(text).toContain(
    "lowerdir=/proc/self/fd/<layer>:/proc/self/fd/</l/a>,upperdir=/proc/self/fd/</c/diff>,workdir=/proc/self/fd/</c/work>,index=off",
  );
});

test("staged: no path is part of the options, whatever is in it", () => {
  expect(printed(true, () => ({ lower: ["/a,b:c"] }))).toContain(
    '"lowerdir=/proc/self/fd/</a,b:c>,index=off"',
  );
});
