import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { checkPropagation } from "./bind-propagation.ts";
import type { MountPoint } from "./container.ts";

const mountinfo = (): string => `22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:30 / /no-such/shared rw shared:5 - tmpfs tmpfs rw
31 22 0:31 / /no-such/slave rw master:5 - tmpfs tmpfs rw
32 30 0:32 / /no-such/shared/with\\040space rw - tmpfs tmpfs rw
33 22 0:33 / /no-such/over rw - tmpfs tmpfs rw
34 33 0:34 / /no-such/over rw shared:7 - tmpfs tmpfs rw
`;

function problem(source: string, propagation: string): string {
  const mount = { type: "bind", source, propagation } as MountPoint;
  try {
    checkPropagation([mount], new Map(), mountinfo);
    return "";
  } catch (error) {
    return messageOf(error);
  }
}

test("a shared mount's folder can be shared and followed", () => {
  for (const propagation of ["shared", "rshared", "slave", "rslave", "rprivate", ""])
    expect(problem("/no-such/shared/folder", propagation)).toBe("");
});

test("a slave's can be followed and not shared", () => {
  expect(problem("/no-such/slave", "rslave")).toBe("");
  expect(problem("/no-such/slave", "rshared")).toBe(
    "path /no-such/slave is mounted on /no-such/slave but it is not a shared mount",
  );
});

test("a private one's neither; the deepest mount counts, and of several at one place the last", () => {
  expect(problem("/no-such/shared/with space/x", "rslave")).toBe(
    "path /no-such/shared/with space/x is mounted on /no-such/shared/with space but it is not a shared or slave mount",
  );
  expect(problem("/no-such/sharedness", "shared")).toContain("is mounted on / but");
  expect(problem("/no-such/over/x", "rshared")).toBe("");
});
