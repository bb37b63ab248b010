import { expect, test } from "bun:test";
import { capabilityInside } from "./capability.ts";

/** struct vfs_ns_cap_data: magic, two pairs of sets, the root's id. */
function revision3(root: number): Buffer {
  const value = Buffer.alloc(24);
  value.writeUInt32LE(0x03000001, 0);
  value.writeUInt32LE(0x2000, 4);
  value.writeUInt32LE(root, 20);
  return value;
}

test("a capability of the container's own root loses its id", () => {
  const inside = Buffer.from(capabilityInside(revision3(0x70000000), 0x70000000));
  expect(inside.length).toBe(20);
  expect(inside.readUInt32LE(0)).toBe(0x02000001);
  expect(inside.readUInt32LE(4)).toBe(0x2000);
});

test("all others stay as they are", () => {
  const foreign = revision3(5);
  expect(capabilityInside(foreign, 0x70000000)).toBe(foreign);
  const old = Buffer.alloc(20);
  old.writeUInt32LE(0x02000001, 0);
  expect(capabilityInside(old, 0)).toBe(old);
  expect(capabilityInside(Buffer.alloc(0), 0)).toEqual(Buffer.alloc(0));
});
