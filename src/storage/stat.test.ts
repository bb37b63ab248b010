import { expect, test } from "bun:test";
import { ProgramBuilder } from "../kernel/mod.ts";
import { addStat, isDirectory, isRegular, parseStat } from "./stat.ts";

test("reads struct statx", () => {
  const content = Buffer.alloc(256);
  content.writeUInt32LE(2, 0x10);
  content.writeUInt32LE(1000, 0x14);
  content.writeUInt32LE(1001, 0x18);
  content.writeUInt16LE(0o104755, 0x1c);
  content.writeBigUInt64LE(77n, 0x20);
  content.writeBigUInt64LE(2n ** 40n, 0x28);
  content.writeBigUInt64LE(3n, 0x30);
  content.writeBigInt64LE(-5n, 0x70);
  content.writeUInt32LE(9, 0x78);
  content.writeUInt32LE(8, 0x88);
  content.writeUInt32LE(1, 0x8c);
  const stat = parseStat(content);
  expect(stat).toEqual({
    mode: 0o104755,
    uid: 1000,
    gid: 1001,
    links: 2,
    size: 2 ** 40,
    stored: 1536,
    identity: "8:1:77",
    mtime: { sec: -5, nsec: 9 },
    major: 0,
    minor: 0,
  });
  expect([isRegular(stat), isDirectory(stat)]).toEqual([true, false]);
});

test("looks at a name without following it, or at what is open", () => {
  const b = new ProgramBuilder();
  const directory = b.slot("directory");
  addStat(b, "look at a link", directory, "link");
  addStat(b, "look at it", directory, "");
  const how = b.build().operations.map(({ args }) => args[2]);
  expect(how).toMatchObject([{ text: "AT_SYMLINK_NOFOLLOW" }, { text: "AT_EMPTY_PATH" }]);
});
