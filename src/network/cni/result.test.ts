import { expect, test } from "bun:test";
import { readCniResult } from "./result.ts";

test("the example of the specification: addresses of the container's own interface", () => {
  const result = {
    cniVersion: "1.0.0",
    interfaces: [
      { name: "cni0", mac: "00:11:22:33:44:55" },
      { name: "veth3243", mac: "55:44:33:22:11:11" },
      { name: "eth0", mac: "99:88:77:66:55:44", sandbox: "/var/run/netns/blue" },
    ],
    ips: [
      { address: "10.1.0.5/16", gateway: "10.1.0.1", interface: 2 },
      { address: "10.9.0.1/24", interface: 0 },
      { address: "fd00::5/64", gateway: "fd00::1", interface: 2 },
    ],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }, { dst: "10.2.0.0/16", gw: "10.1.0.9" }, {}],
    dns: { nameservers: ["10.1.0.1"] },
  };
  expect(readCniResult(result, "eth0")).toEqual({
    ipv4: "10.1.0.5",
    ipv6: "fd00::5",
    mac: "99:88:77:66:55:44",
    foreign: {
      asked: true,
      prefix4: 16,
      prefix6: 64,
      gateway4: "10.1.0.1",
      gateway6: "fd00::1",
      routes: [
        { destination: "0.0.0.0/0", via: "10.1.0.1" },
        { destination: "::/0", via: "fd00::1" },
        { destination: "10.2.0.0/16", via: "10.1.0.9" },
      ],
      servers: ["10.1.0.1"],
      result: JSON.stringify(result),
    },
  });
});

test("a result that says little, and routes that need no gateway", () => {
  expect(
    readCniResult({ ips: [{ address: "10.1.0.5/32" }], routes: [{ dst: "10.0.0.0/8" }] }, "eth0"),
  ).toEqual({
    ipv4: "10.1.0.5",
    mac: "",
    foreign: {
      asked: true,
      prefix4: 32,
      routes: [{ destination: "10.0.0.0/8" }],
      result: expect.any(String),
    },
  });
  expect(readCniResult({}, "eth0")).toEqual({ mac: "", foreign: { asked: true, routes: [], result: "{}" } });
});
