import { describe, expect, test } from "bun:test";
import { bridgeDriver } from "./bridge.ts";
import { dual, endpoint, network, printEndpoint, printStep } from "./testing.ts";

const bridge = { index: 4, mtu: 1500, kind: "bridge", alias: "caisson network 0a7c5b3249af" };
const links = { "br-0a7c5b3249af": bridge };

describe("a bridge", () => {
  test("is made where there is none, with an address of its own", () => {
    const [create] = bridgeDriver.up(network("bridge", { "com.docker.network.driver.mtu": "1400" }));
    const text = printStep(create, {});
    expect(text).toContain("RTM_NEWLINK{br-0a7c5b3249af, bridge, mac=82:b2:c3:d4:e5:f6, mtu=1400}");
    expect(text).toContain('RTM_NEWLINK{br-0a7c5b3249af, alias="caisson network 0a7c5b3249af"}');
  });

  test("that is there is taken as it is; another kind of link is not", () => {
    const [create] = bridgeDriver.up(network("bridge", { "com.docker.network.bridge.name": "lan" }));
    expect(printStep(create, { lan: { index: 9, mtu: 1500, kind: "bridge" } })).toBe("\n");
    expect(() => printStep(create, { lan: { index: 9, mtu: 1500 } })).toThrow(
      "existing interface lan is not a bridge",
    );
  });

  test("gets its addresses and sysctls and is started", () => {
    const [, start] = bridgeDriver.up(network("bridge", {}, dual));
    expect(printStep(start, links)).toMatchSnapshot();
  });

  test.each([
    ["inhibited", "bridge.inhibit_ipv4", "true", ["fd30::1/64"]],
    ["isolated by IPv4", "bridge.gateway_mode_ipv4", "isolated", ["fd30::1/64"]],
    ["isolated by IPv6", "bridge.gateway_mode_ipv6", "isolated", ["172.30.0.1/16"]],
  ])("has no address of a family that is %s", (_, option, value, expected) => {
    const [, start] = bridgeDriver.up(
      network("bridge", { [`com.docker.network.${option}`]: value }, { ...dual, internal: true }),
    );
    const text = printStep(start, links);
    expect([...text.matchAll(/RTM_NEWADDR\{([^,]*)/g)].map(([, address]) => address)).toEqual(expected);
    expect(text).toContain(`disable_ipv6=${value === "isolated" && option.endsWith("6") ? 1 : 0}`);
  });

  test("goes with its network unless a person made it", () => {
    const [step] = bridgeDriver.down(network("bridge"), []);
    expect(printStep(step, links)).toContain("RTM_DELLINK{index=4}");
    expect(printStep(step, { "br-0a7c5b3249af": { index: 4, mtu: 1500, kind: "bridge" } })).toBe("\n");
    expect(printStep(step, {})).toBe("\n");
  });
});

describe("an endpoint on a bridge", () => {
  test("is a veth pair, made in one datagram and configured in another", () => {
    expect(printEndpoint(bridgeDriver, network("bridge"), endpoint())).toMatchSnapshot();
  });

  test("has IPv6 and hairpin where they are wanted", () => {
    const on = endpoint({ ipv6: "fd30::2", gateway6: true, linkLocal: ["169.254.3.4", "fe80::5"] });
    const text = printEndpoint(bridgeDriver, network("bridge", {}, dual), on, { hairpin: true });
    expect(text).toContain(`RTM_NEWLINK{index=${0x4e1e1e1e}, hairpin=on}`);
    expect(text).toContain(
      "[RTM_NEWADDR{172.30.0.2/16, index=16, broadcast=172.30.255.255}, RTM_NEWADDR{fd30::2/64, index=16, nodad}, " +
        "RTM_NEWADDR{169.254.3.4/16, index=16, broadcast=169.254.255.255}, RTM_NEWADDR{fe80::5/64, index=16, nodad}, " +
        "RTM_NEWLINK{index=16, up}, RTM_NEWROUTE{default, via 172.30.0.1, index=16}, RTM_NEWROUTE{default6, via fd30::1, index=16}]",
    );
    expect(text).toContain("net.ipv6.conf.eth0.disable_ipv6=0");
  });

  test("without icc hears no neighbour where the firewall doesn't see them, and the host answers for them", () => {
    const apart = network("bridge", { "com.docker.network.bridge.enable_icc": "false" });
    const text = printEndpoint(bridgeDriver, apart, endpoint(), { unfiltered: true });
    expect(text).toContain(`RTM_NEWLINK{index=${0x4e1e1e1e}, isolated=on}`);
    expect(text).toMatch(/set net\.ipv4\.conf\.\S+\.proxy_arp_pvlan=1/);
    expect(text).toMatch(/set net\.ipv4\.neigh\.\S+\.proxy_delay=0/);
    expect(printEndpoint(bridgeDriver, apart, endpoint())).not.toContain("isolated");
    const together = printEndpoint(bridgeDriver, network("bridge"), endpoint(), { unfiltered: true });
    expect(together).not.toContain("isolated");
  });

  test("has no way out of an internal network, nor by another endpoint's", () => {
    expect(printEndpoint(bridgeDriver, network("bridge", {}, { internal: true }), endpoint())).not.toContain(
      "RTM_NEWROUTE",
    );
    expect(printEndpoint(bridgeDriver, network("bridge"), endpoint({ gateway4: false }))).not.toContain(
      "RTM_NEWROUTE",
    );
  });

  test("leaves by a gateway that isn't the bridge", () => {
    const pools = [
      { subnet: "172.30.0.0/16", gateway: "172.30.0.1", auxiliary: { DefaultGatewayIPv4: "172.30.0.254" } },
    ];
    const own = network("bridge", {}, { ipam: { driver: "default", options: null, pools } });
    expect(printEndpoint(bridgeDriver, own, endpoint())).toContain(
      "RTM_NEWROUTE{default, via 172.30.0.254, index=16}",
    );
  });

  test("has sysctls of its own", () => {
    const text = printEndpoint(
      bridgeDriver,
      network("bridge"),
      endpoint({ sysctls: ["net.ipv4.conf.IFNAME.forwarding=1"] }),
    );
    expect(text).toContain('write(AT_FDCWD, "/proc/sys/net/ipv4/conf/eth0/forwarding", "1"');
  });
});
