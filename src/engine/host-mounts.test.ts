import { expect, test } from "bun:test";
import { isMountedOver, parseMountinfo } from "./host-mounts.ts";

const text = [
  "22 27 0:21 / /proc rw,relatime - proc proc rw",
  String.raw`30 27 0:30 / /data/volumes/a\040b/_data rw shared:3 master:1 - fuse.sshfs host: rw`,
  "31 27 0:31 / /data/volumes/vol/_data/below rw - tmpfs tmpfs rw",
  "",
].join("\n");

test("mounts have their place, their type, and who hears of what is mounted there", () => {
  expect(parseMountinfo(text)[0]).toEqual({ point: "/proc", type: "proc", shared: false, slave: false });
  const escaped = { point: "/data/volumes/a b/_data", type: "fuse.sshfs", shared: true, slave: true };
  expect(parseMountinfo(text)[1]).toEqual(escaped);
});

test.each([
  ["/data/volumes/vol", true],
  ["/data/volumes/vol/_data/below", true],
  ["/data/volumes/vo", false],
  ["/data/volumes/other", false],
])("something is mounted at %s or below it: %p", (folder, expected) => {
  expect(isMountedOver(folder, text)).toBe(expected);
});

test("a place with a blank in it is not overlooked", () => {
  expect(isMountedOver("/data/volumes/a b", text)).toBe(true);
});
