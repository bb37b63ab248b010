import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { errnoNumbers, KernelError, ProgramBuilder, type Errno } from "../kernel/mod.ts";
import type { Place } from "./endpoints.ts";
import { interfaceFailure } from "./interface-failure.ts";

const places = [
  {
    endpoint: {
      interface: "lan0",
      hostLink: "veth1",
      sysctls: ["net.ipv4.conf.IFNAME.nosuch=1"],
    },
  },
] as unknown as Place[];

function failed(label: string, errno: Errno): KernelError {
  const b = new ProgramBuilder();
  b.call(label, "netlink", [3, "x", 16]);
  return new KernelError(b.build(), 0, errnoNumbers[errno]);
}

test.each([
  ["EEXIST", "file exists"],
  ["EINVAL", "invalid argument"],
  ["ERANGE", "numerical result out of range"],
] as const)("a name that fails with %s is told as dockerd tells it", (errno, reason) => {
  for (const label of ["make lan0 and join it to br0", "make lan0 on eth0"]) {
    expect(messageOf(interfaceFailure(failed(label, errno), places))).toBe(
      `failed to add interface veth1 to sandbox: error renaming interface "veth1" to "lan0": ${reason}`,
    );
  }
});

test("a setting that there isn't is named by its file", () => {
  const told = interfaceFailure(failed("set net.ipv4.conf.lan0.nosuch=1", "ENOENT"), places);
  expect(messageOf(told)).toBe(
    "failed to add interface veth1 to sandbox: /proc/sys/net/ipv4/conf/lan0/nosuch is not a sysctl file",
  );
});

test("other failures stay what they are", () => {
  for (const error of [
    failed("make lan0 and join it to br0", "ENOMEM"),
    failed("make lan01 and join it to br0", "EEXIST"),
    failed("set net.ipv4.conf.lan0.nosuch=1", "EINVAL"),
    new Error("else"),
  ])
    expect(interfaceFailure(error, places)).toBe(error);
});
