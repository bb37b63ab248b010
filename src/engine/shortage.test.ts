import { expect, test } from "bun:test";
import { shortageOf, type Room } from "./shortage.ts";

const plenty: Room = { bsize: 4096, blocks: 1_000_000, bavail: 500_000, files: 65_536, ffree: 60_000 };
const rooms: Readonly<Record<string, Room>> = {
  "/plenty": plenty,
  "/full": { ...plenty, bavail: 3 },
  "/many": { ...plenty, ffree: 0 },
  "/btrfs": { ...plenty, files: 0, ffree: 0 },
};
const look = (folder: string): Room => {
  const room = rooms[folder];
  if (room === undefined) throw new RangeError("no such folder");
  return room;
};

test.each([
  [["/plenty", "/full"], "/full has no space left (of 4096 MB)"],
  [["/many"], "/many has no inodes left (of 65536)"],
  [["/gone", "/btrfs", "/plenty"], undefined],
])("%j: %p", (folders, expected) => expect(shortageOf(folders, look)).toBe(expected));
