import { expect, test } from "bun:test";
import { ProgramBuilder, printProgram } from "../../kernel/mod.ts";
import { enableForwarding } from "./forwarding.ts";
import { endpointSysctls, sysctlOf } from "./sysctls.ts";

const OPTION = "com.docker.network.endpoint.sysctls";

test("sysctls of an interface are split and checked", () => {
  const given =
    "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.ifname.accept_ra=2,net.ipv4.conf.eth0.forwarding=1";
  const { sysctls, problems } = endpointSysctls({ [OPTION]: given });
  expect(sysctls).toEqual(["net.ipv4.conf.IFNAME.log_martians=1", "net.ipv6.conf.ifname.accept_ra=2"]);
  expect(problems).toEqual([
    "unrecognised network interface sysctl 'net.ipv4.conf.eth0.forwarding=1'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'",
  ]);
  expect(endpointSysctls(undefined)).toEqual({ sysctls: [], problems: [] });
});

test.each([
  "net.core.conf.IFNAME.x=1",
  "kernel.ipv4.conf.IFNAME.x=1",
  "net.ipv4.conf.IFNAME=1",
  "net.ipv4.conf.IFNAME.x",
  "net.ipv4.conf.IFNAME.../../../kernel/core_pattern=|x",
  "net.ipv4...IFNAME.x=1",
  "net.ipv4.a/b.IFNAME.x=1",
  "net.ipv4.conf.IFNAME.a..b=1",
])("%s is none", (text) => {
  expect(endpointSysctls({ [OPTION]: text }).problems).toHaveLength(1);
});

test("a sysctl is a file of the interface", () => {
  expect(sysctlOf("net.mpls.conf.IFNAME.input=1=2", "eth1.5")).toEqual({
    path: "/proc/sys/net/mpls/conf/eth1.5/input",
    value: "1=2",
    shown: "net.mpls.conf.eth1.5.input=1=2",
  });
});

test("forwarding is switched on by family, for interfaces to come first", () => {
  const text = (ipv4: boolean, ipv6: boolean): string[] => {
    const b = new ProgramBuilder();
    enableForwarding(b, { ipv4, ipv6 });
    return [...printProgram(b.build()).matchAll(/"(\/proc[^"]*)", "1"/g)].map(([, path = ""]) => path);
  };
  expect(text(true, false)).toEqual(["/proc/sys/net/ipv4/ip_forward"]);
  expect(text(false, true)).toEqual([
    "/proc/sys/net/ipv6/conf/default/forwarding",
    "/proc/sys/net/ipv6/conf/all/forwarding",
  ]);
  expect(text(false, false)).toEqual([]);
});
