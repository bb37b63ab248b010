/**
 * Layers that mean no good: the families of reference/security-corpus.md (CVE-2018-15664, 2021-41089, 2021-32760,
 * 2025-47290 and their like), for tests of whatever takes layers in. Each is either refused, or whatever it does stays
 * inside the root.
 * @module
 */
import type { EntryInput } from "./tar/writer.ts";

/** A layer, and what the refusal says; without one, it must do no harm. */
export interface CraftedLayer {
  readonly name: string;
  readonly entries: readonly EntryInput[];
  readonly refused?: string;
}

const file = (path: string): EntryInput => ({ type: "file", path, body: Buffer.from("crafted") });
const dir = (path: string): EntryInput => ({ type: "directory", path });
const symlink = (path: string, linkPath: string): EntryInput => ({ type: "symlink", path, linkPath });
const link = (path: string, linkPath: string): EntryInput => ({ type: "hardlink", path, linkPath });

const refusedLayers: readonly (readonly [string, readonly EntryInput[], string])[] = [
  ["a path out of the root", [file("../x")], "outside of the root"],
  ["a path out of the root in its middle", [file("a/../../x")], "outside of the root"],
  ["an absolute path out of the root", [file("/../x")], "outside of the root"],
  ["a hard link out of the root", [link("x", "../../etc/shadow")], "outside of the root"],
  ["a hard link to what the layer doesn't have", [link("x", "/etc/shadow")], "doesn't have"],
  ["a hard link to a whiteout", [file(".wh.a"), link("x", "a")], "doesn't have"],
  [
    "a hard link through a link to what it doesn't have",
    [symlink("e", "/etc"), link("x", "e/shadow")],
    "doesn't have",
  ],
  ["a hard link to a directory", [dir("d"), link("x", "d")], "to the directory"],
  ["a hard link to itself", [file("x"), link("x", "./x")], "to itself"],
  ["a hard link to what it replaces", [file("x/y"), link("x", "x/y")], "what it replaces"],
  ["a hard link to the root", [link("x", "/")], "to the directory"],
  ["a whiteout of nothing", [file(".wh.")], "whiteout of nothing"],
  ["a whiteout of its directory", [file("a/.wh..")], "whiteout of nothing"],
  ["a whiteout of the directory above", [file("a/.wh...")], "whiteout of nothing"],
  ["a whiteout with a path behind it", [file(".wh.a/b")], "name of a whiteout"],
  ["a whiteout with a path out of the root", [file(".wh./../../x")], "outside of the root"],
  [
    "a file as the root",
    [file("./")].map((e) => ({ ...e, type: "symlink", linkPath: "x" })),
    "only be a directory",
  ],
  ["a file below a file", [file("x"), file("x/y")], "is not a directory"],
  ["an opaque file", [file("x"), file("x/.wh..wh..opq")], "is not a directory"],
  ["links in a circle", [symlink("a", "b"), symlink("b", "a"), file("a/x")], "levels of symbolic links"],
  ["a link to nothing", [symlink("a", "")], "to nothing"],
  ["a link too long", [symlink("a", "x/".repeat(2100))], "too long"],
  [
    "long links that add up",
    [
      symlink("a", "x/../".repeat(800) + "b"),
      symlink("b", "x/../".repeat(800) + "c"),
      symlink("c", "x/../".repeat(800)),
      file("a/x"),
    ],
    "levels of symbolic links",
  ],
  ["a component too long", [file("n".repeat(256))], "longer than 255"],
  ["a component too long in bytes", [file("ü".repeat(128))], "longer than 255"],
  ["a path too deep", [file("d/".repeat(600) + "x")], "too deep"],
];

const harmlessLayers: readonly (readonly [string, readonly EntryInput[]])[] = [
  ["a file through a link to the host's /etc", [symlink("e", "/etc"), file("e/canary")]],
  ["a file through a link above the root", [symlink("e", "../../../../etc"), file("e/canary")]],
  ["a file through two links", [symlink("a", "b"), symlink("b", "/"), file("a/../etc/canary")]],
  ["a file in the place of a link to the host", [symlink("e", "/etc/canary"), file("e")]],
  [
    "a directory in the place of a link to the host",
    [symlink("e", "/etc"), { ...dir("e"), mode: 0o777 }, file("e/canary")],
  ],
  [
    "a link to the host, and a hard link to the link",
    [symlink("e", "/etc/canary"), link("f", "e"), file("f")],
  ],
  ["a whiteout through a link to the host", [symlink("e", "/etc"), file("e/.wh.canary")]],
  ["an opaque link to the host", [symlink("e", "/etc"), file("e/.wh..wh..opq")]],
  ["an opaque root", [file(".wh..wh..opq")]],
  ["an absolute path", [file("/etc/canary")]],
  ["a path that leaves a directory and comes back", [file("a/../b/../canary")]],
  ["one name many times", Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? file("x") : dir("x")))],
  ["names that differ in case only", [file("canary"), file("CANARY"), dir("Canary/x")]],
  [
    "a disk, memory and a terminal",
    [
      { type: "block", path: "dev/sda", major: 8, minor: 0, mode: 0o666 },
      { type: "char", path: "dev/mem", major: 1, minor: 1, mode: 0o666 },
      { type: "char", path: "dev/tty", major: 5, minor: 0, mode: 0o666 },
    ],
  ],
  ["what overlayfs takes for a whiteout", [{ type: "char", path: "etc/passwd" }]],
  [
    "attributes that overlayfs acts on",
    [
      {
        ...dir("d"),
        xattrs: new Map([
          ["trusted.overlay.opaque", Buffer.from("y")],
          ["trusted.overlay.redirect", Buffer.from("/etc")],
          ["trusted.overlay.metacopy", Buffer.from("")],
          ["user.overlay.whiteout", Buffer.from("y")],
        ]),
      },
    ],
  ],
  [
    "a program that is root's with all capabilities",
    [
      {
        ...file("su"),
        mode: 0o6755,
        xattrs: new Map([
          ["security.capability", Buffer.from("0100000200000000ffffffff00000000ffffffff", "hex")],
        ]),
      },
    ],
  ],
  [
    "a sparse file of 4 PiB",
    [
      {
        type: "file",
        path: "holes",
        size: 2 ** 52,
        sparse: [{ offset: 2 ** 52 - 1, length: 1 }],
        body: Buffer.from("x"),
      },
    ],
  ],
  ["a name of 4,096 bytes", [file(`${"n".repeat(255)}/`.repeat(15) + "n".repeat(255))]],
  ["a large attribute", [{ ...file("x"), xattrs: new Map([["user.large", Buffer.alloc(60_000, 97)]]) }]],
  ["a name that is no text", [file("\udcff\udcfe\u0001\n\u001b[2J")]],
  [
    "a time before and after all times",
    [
      { ...file("old"), mtime: { sec: -(2 ** 40), nsec: 1 } },
      { ...file("new"), mtime: { sec: 2 ** 40, nsec: 999_999_999 } },
    ],
  ],
  ["the largest user and group", [{ ...file("x"), uid: 0xffff_fffe, gid: 0xffff_fffe }]],
  ["what AUFS keeps for itself", [file(".wh..wh.plnk/canary"), file(".wh..wh.aufs")]],
];

/** All of them. */
export const craftedLayers: readonly CraftedLayer[] = [
  ...refusedLayers.map(([name, entries, refused]) => ({ name, entries, refused })),
  ...harmlessLayers.map(([name, entries]) => ({ name, entries })),
];
