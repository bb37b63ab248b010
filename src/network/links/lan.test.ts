import { describe, expect, test } from "bun:test";
import { driverOf, interfacePrefix, isForeign, readDriverOptions } from "./drivers.ts";
import { ipvlanDriver } from "./ipvlan.ts";
import { hostIndexOf, interfaceIndexOf } from "./link-numbers.ts";
import { macvlanDriver } from "./macvlan.ts";
import { dual, endpoint, network, printEndpoint, printStep } from "./testing.ts";

const eth0 = { index: 3, mtu: 1500 };
const other = "b".repeat(64);

describe("a macvlan network", () => {
  test("uses the parent that is there", () => {
    const on = network("macvlan", { parent: "eth0" });
    expect(macvlanDriver.link(on)).toBe("eth0");
    expect(printStep(macvlanDriver.up(on)[0], { eth0 })).toBe("\n");
    expect(printStep(macvlanDriver.down(on, [])[0], { eth0 })).toBe("\n");
  });

  test("makes a VLAN of its parent, and removes it when nobody else is on it", () => {
    const on = network("macvlan", { parent: "eth0.10" });
    const made = printStep(macvlanDriver.up(on)[0], { eth0 });
    expect(made).toContain("RTM_NEWLINK{eth0.10, vlan 10 of 3, up}");
    expect(made).toContain('RTM_NEWLINK{eth0.10, alias="caisson network 0a7c5b3249af"}');
    const vlan = { index: 7, mtu: 1500, kind: "vlan", alias: "caisson network 0a7c5b3249af" };
    expect(printStep(macvlanDriver.down(on, [on])[0], { "eth0.10": vlan })).toContain("RTM_DELLINK{index=7}");
    expect(
      printStep(macvlanDriver.down(on, [])[0], { "eth0.10": { index: 7, mtu: 1500, kind: "vlan" } }),
    ).toBe("\n");
    expect(macvlanDriver.down(on, [{ ...on, id: other }])).toEqual([]);
  });

  test("without a parent has a dummy, and no way out", () => {
    const on = network("macvlan");
    expect(macvlanDriver.link(on)).toBe("dm-0a7c5b3249af");
    expect(printStep(macvlanDriver.up(on)[0], {})).toContain("RTM_NEWLINK{dm-0a7c5b3249af, dummy, up}");
    expect(readDriverOptions(on)).toEqual({ gateway4: false, gateway6: false });
    expect(printEndpoint(macvlanDriver, on, endpoint())).not.toContain("RTM_NEWROUTE");
  });

  // As dockerd 28.5 answers.
  test.each([
    ["eth9", "invalid subinterface vlan name eth9, example formatting is eth0.10"],
    ["eth0.5000", "vlan id must be between 1-4094, received: 5000"],
    ["eth0.x", "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)"],
    [
      "a.b.c",
      "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received a.b.c",
    ],
    ["nope.10", "-o parent interface was not found on the host: nope"],
  ])("with the parent %s is refused", (parent, text) => {
    expect(() => printStep(macvlanDriver.up(network("macvlan", { parent }))[0], { eth0 })).toThrow(text);
  });

  test.each([
    [
      { macvlan_mode: "foo" },
      "requested macvlan mode 'foo' is not valid, 'bridge' mode is the macvlan driver default",
    ],
    [{ parent: "lo" }, "loopback interface is not a valid macvlan parent link"],
  ])("with %p is refused", (options, text) => {
    expect(() => readDriverOptions(network("macvlan", options))).toThrow(text);
  });

  test("in mode passthru is alone on its parent", () => {
    const passthru = network("macvlan", { parent: "eth0", macvlan_mode: "passthru" });
    const plain = { ...network("macvlan", { parent: "eth0" }), id: other };
    expect(() => readDriverOptions(passthru, [plain])).toThrow(
      `cannot use mode passthru, macvlan network ${other} is already using parent interface eth0`,
    );
    expect(() => readDriverOptions(plain, [passthru])).toThrow(
      `macvlan network ${passthru.id} is already using parent interface eth0 in mode passthru`,
    );
    expect(() => readDriverOptions(plain, [{ ...plain, id: "c".repeat(64) }])).not.toThrow();
  });

  test("makes an endpoint straight in the container", () => {
    const on = network("macvlan", { parent: "eth0", macvlan_mode: "vepa" });
    const text = printEndpoint(macvlanDriver, on, endpoint());
    expect(text).toContain(
      "RTM_NEWLINK{eth0, macvlan vepa of 4, index=16, mac=02:42:ac:1e:00:02, in ns of $pid}",
    );
    expect(text).toContain("RTM_NEWROUTE{default, via 172.30.0.1, index=16}");
  });
});

test("a macvlan in mode passthru takes its MAC address once it is there", () => {
  const on = network("macvlan", { parent: "eth0", macvlan_mode: "passthru" });
  expect(printEndpoint(macvlanDriver, on, endpoint())).toContain(
    "RTM_NEWLINK{index=16, mac=02:42:ac:1e:00:02}",
  );
});

describe("an ipvlan network", () => {
  test.each([
    [
      { ipvlan_mode: "foo" },
      "requested ipvlan mode 'foo' is not valid, 'l2' mode is the ipvlan driver default",
    ],
    [
      { ipvlan_flag: "foo" },
      "requested ipvlan flag 'foo' is not valid, 'bridge' is the ipvlan driver default",
    ],
    [{ parent: "lo" }, "loopback interface is not a valid ipvlan parent link"],
  ])("with %p is refused", (options, text) => {
    expect(() => readDriverOptions(network("ipvlan", options))).toThrow(text);
  });

  test("is alone on its parent", () => {
    const on = network("ipvlan", { parent: "eth0" });
    expect(() => readDriverOptions(on, [{ ...on, id: other }])).toThrow(
      "network dm-bbbbbbbbbbbb is already using parent interface eth0",
    );
    expect(() => readDriverOptions(on, [{ ...on, id: other, driver: "macvlan" }])).not.toThrow();
  });

  test("has gateways in mode l2, routes by the interface in l3", () => {
    const l2 = network("ipvlan", { parent: "eth0" }, dual);
    expect(readDriverOptions(l2)).toEqual({ gateway4: true, gateway6: true });
    expect(printEndpoint(ipvlanDriver, l2, endpoint())).toContain(
      "RTM_NEWROUTE{default, via 172.30.0.1, index=16}",
    );
    const l3 = network("ipvlan", { parent: "eth0", ipvlan_mode: "l3", ipvlan_flag: "private" }, dual);
    expect(readDriverOptions(l3)).toEqual({ gateway4: false, gateway6: false });
    const text = printEndpoint(ipvlanDriver, l3, endpoint({ ipv6: "fd30::2", gateway6: true }));
    expect(text).toContain("RTM_NEWLINK{eth0, ipvlan l3 private of 4, index=16, in ns of $pid}");
    expect(text).toContain("RTM_NEWROUTE{default, index=16}, RTM_NEWROUTE{default6, index=16}]");
  });

  test("takes the gateway of the subnet that the address is from", () => {
    const pools = [
      { subnet: "10.1.0.0/20", gateway: "10.1.0.1" },
      { subnet: "10.1.16.0/20", gateway: "10.1.16.1" },
    ];
    const on = network("ipvlan", { parent: "eth0" }, { ipam: { driver: "default", options: null, pools } });
    const text = printEndpoint(ipvlanDriver, on, endpoint({ ipv4: "10.1.17.5" }));
    expect(text).toContain("RTM_NEWADDR{10.1.17.5/20, index=16, broadcast=10.1.31.255}");
    expect(text).toContain("RTM_NEWROUTE{default, via 10.1.16.1, index=16}");
  });
});

describe("drivers", () => {
  test("are found by name; host and none make nothing", () => {
    expect(driverOf({ driver: "null" }).up(network("null"))).toEqual([]);
    expect(driverOf({ driver: "host" }).link(network("host"))).toBeUndefined();
    expect(driverOf({ driver: "weave" }).name).toBe("weave");
    expect(["weave", "cni", "bridge", "null"].map((driver) => isForeign({ driver }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("number interfaces: beside each other in a container, and where the host has none", () => {
    const id = "abcdef0".padEnd(64, "1");
    expect([0, 3].map((position) => interfaceIndexOf(network("bridge"), id, position))).toEqual([16, 19]);
    expect(interfaceIndexOf(network("macvlan"), id, 0)).toBe(0x2abcdef0);
    expect(interfaceIndexOf(network("ipvlan"), "f".repeat(64), 1)).toBe(0x2fffffff);
    expect(hostIndexOf({ id: "f".repeat(64) })).toBe(0x4fffffff);
  });

  test("name interfaces", () => {
    const options = { "com.docker.network.container_iface_prefix": "net" };
    expect([
      interfacePrefix(network("bridge", options)),
      interfacePrefix(network("macvlan", options)),
    ]).toEqual(["net", "eth"]);
  });
});
