import { expect, test } from "bun:test";
import { goFileMode, pathStat } from "./path-stat.ts";

test.each([
  [0o100644, 420],
  [0o040755, 2_147_484_141],
  [0o041777, 2_148_532_735],
  [0o120777, 134_218_239],
  [0o106755, 0o755 + 2 ** 23 + 2 ** 22],
  [0o020666, 0o666 + 2 ** 26 + 2 ** 21],
  [0o060660, 0o660 + 2 ** 26],
  [0o010600, 0o600 + 2 ** 25],
  [0o140600, 0o600 + 2 ** 24],
])("the mode %p is Go's %p", (mode, expected) => {
  expect(goFileMode(mode)).toBe(expected);
});

test("what is told of a path", () => {
  const stat = {
    mode: 0o100644,
    uid: 0,
    gid: 0,
    links: 1,
    size: 71,
    stored: 512,
    identity: "8:1:7",
    mtime: { sec: 1_764_000_000, nsec: 500_000_000 },
    major: 0,
    minor: 0,
  };
  expect(pathStat("/etc/passwd", stat, "")).toEqual({
    name: "passwd",
    size: 71,
    mode: 420,
    mtime: "2025-11-24T16:00:00.5Z",
    linkTarget: "",
  });
});
