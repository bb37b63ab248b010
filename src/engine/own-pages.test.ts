import { expect, test } from "bun:test";
import { rangesOf } from "./own-pages.ts";

test("what a process has mapped of a file, whatever else it has", () => {
  const maps = `00200000-01a39000 r--p 00000000 fe:00 1234                               /usr/bin/caisson
01a40000-0684a000 r-xp 01839000 fe:00 1234                               /usr/bin/caisson
7f0000000000-7f0000001000 rw-p 00000000 00:00 0
7f245e120000-7f245e276000 r-xp 00026000 fe:00 77                         /usr/lib/libc.so.6
7f245e300000-7f245e301000 r-xp 00000000 fe:00 99                         /usr/bin/caisson (deleted)
7ffd4eb05000-7ffd4eb26000 rw-p 00000000 00:00 0                          [stack]
`;
  expect(rangesOf(maps, "/usr/bin/caisson")).toEqual([
    { start: 0x200000n, length: 0x1839000n },
    { start: 0x1a40000n, length: 0x4e0a000n },
  ]);
  expect(rangesOf(maps, "/usr/bin/other")).toEqual([]);
});
