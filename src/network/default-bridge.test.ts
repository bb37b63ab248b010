import { describe, expect, test } from "bun:test";
import {
  draftDefaultBridge,
  type DefaultBridgeOptions,
  type DefaultBridgeSurroundings,
} from "./default-bridge.ts";
import { effectivePools } from "./ipam/pools.ts";
import type { IpamPool, NetworkRecord } from "./types.ts";

const plain: DefaultBridgeOptions = {
  interContainerCommunication: true,
  ipMasquerade: true,
  ipv6: false,
  mtu: 1500,
};

const around: DefaultBridgeSurroundings = {
  existing: [],
  host: [],
  pools: effectivePools([], "dba22d03-0aa0-4b0f-9d52-a5098431f8ff"),
  device: [],
  id: "b".repeat(64),
  created: "2026-11-24T11:47:46.285404175Z",
};

function draft(
  options: Partial<DefaultBridgeOptions>,
  more: Partial<DefaultBridgeSurroundings> = {},
): NetworkRecord {
  return (
    draftDefaultBridge({ ...plain, ...options }, { ...around, ...more }) ?? expect.unreachable("no bridge")
  );
}

test("nothing said", () => {
  expect(draft({})).toEqual({
    id: around.id,
    name: "bridge",
    driver: "bridge",
    created: around.created,
    enableIPv4: true,
    enableIPv6: false,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    ipam: {
      driver: "default",
      options: null,
      pools: [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1", automatic: true }],
    },
    options: {
      "com.docker.network.bridge.default_bridge": "true",
      "com.docker.network.bridge.enable_icc": "true",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
      "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
      "com.docker.network.bridge.name": "docker0",
      "com.docker.network.driver.mtu": "1500",
    },
    labels: {},
  });
});

test("there may be none", () => {
  expect(draftDefaultBridge({ ...plain, bridge: "none" }, around)).toBeUndefined();
});

test("flags are options", () => {
  const { options } = draft({
    bridge: "br9",
    interContainerCommunication: false,
    ipMasquerade: false,
    mtu: 1400,
    defaultHostAddress: "127.0.0.1",
  });
  expect(options).toEqual({
    "com.docker.network.bridge.default_bridge": "true",
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "false",
    "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
    "com.docker.network.bridge.name": "br9",
    "com.docker.network.driver.mtu": "1400",
  });
});

describe("subnets, as dockerd 28.5.2 settles them", () => {
  const automatic: IpamPool = { subnet: "172.17.0.0/16", gateway: "172.17.0.1", automatic: true };
  const device = ["fe80::1/64", "10.44.0.3/24", "fd00:7::3/64"];
  const rows: [Partial<DefaultBridgeOptions>, readonly string[], IpamPool[]][] = [
    [{ bip: "10.0.0.5/24" }, [], [{ subnet: "10.0.0.0/24", gateway: "10.0.0.5" }]],
    [
      { bip: "10.0.0.1/24", fixedCidr: "10.0.0.128/25" },
      [],
      [{ subnet: "10.0.0.0/24", ipRange: "10.0.0.128/25", gateway: "10.0.0.1" }],
    ],
    [
      { bip: "10.0.0.1/24", defaultGateway: "10.0.0.9" },
      [],
      [{ subnet: "10.0.0.0/24", gateway: "10.0.0.1", auxiliary: { DefaultGatewayIPv4: "10.0.0.9" } }],
    ],
    [
      { bip: "10.0.0.1/24", defaultGateway: "10.0.0.1" },
      [],
      [{ subnet: "10.0.0.0/24", gateway: "10.0.0.1" }],
    ],
    [
      { fixedCidr: "10.5.0.0/24" },
      [],
      [{ subnet: "10.5.0.0/24", ipRange: "10.5.0.0/24", gateway: "10.5.0.1", gatewayChosen: true }],
    ],
    [{ fixedCidrV6: "fd00:5::/64" }, [], [automatic]],
    [
      { ipv6: true },
      [],
      [automatic, { subnet: "fd85:fa41:5951::/64", gateway: "fd85:fa41:5951::1", automatic: true }],
    ],
    [
      { ipv6: true, fixedCidrV6: "fd00:5::/64", defaultGatewayV6: "fd00:5::9" },
      [],
      [
        {
          subnet: "fd00:5::/64",
          ipRange: "fd00:5::/64",
          gateway: "fd00:5::1",
          gatewayChosen: true,
          auxiliary: { DefaultGatewayIPv6: "fd00:5::9" },
        },
        automatic,
      ],
    ],
    [
      { ipv6: true, bip6: "fd00:6::5/64", fixedCidrV6: "fd00:6::8000/120" },
      [],
      [{ subnet: "fd00:6::/64", ipRange: "fd00:6::8000/120", gateway: "fd00:6::5" }, automatic],
    ],
    [{}, device, [{ subnet: "10.44.0.0/24", gateway: "10.44.0.3" }]],
    [
      { ipv6: true },
      device,
      [
        { subnet: "10.44.0.0/24", gateway: "10.44.0.3" },
        { subnet: "fd00:7::/64", gateway: "fd00:7::3" },
      ],
    ],
    [{ bip: "10.45.0.1/24" }, device, [{ subnet: "10.45.0.0/24", gateway: "10.45.0.1" }]],
    [
      { bridge: "br9", fixedCidr: "10.44.0.128/25", defaultGateway: "10.44.0.1" },
      ["10.43.0.3/24", ...device],
      [
        {
          subnet: "10.44.0.0/24",
          ipRange: "10.44.0.128/25",
          gateway: "10.44.0.3",
          auxiliary: { DefaultGatewayIPv4: "10.44.0.1" },
        },
      ],
    ],
  ];
  for (const [options, addresses, pools] of rows) {
    test(`${JSON.stringify(options)} ${addresses.join(" ")}`, () => {
      expect(draft(options, { device: addresses }).ipam.pools).toEqual(pools);
    });
  }

  test("the host's routes and other networks are left alone", () => {
    const other = draft({ bip: "172.18.0.1/16" });
    const { ipam } = draft({}, { host: ["172.17.5.1/24"], existing: [other] });
    expect(ipam.pools[0]?.subnet).toBe("172.19.0.0/16");
    expect(() => draft({ bip: "172.18.9.1/24" }, { existing: [other] })).toThrow(
      "Pool overlaps with other one",
    );
    expect(draft({ bip: "172.18.9.1/24" }, { existing: [{ ...other, configOnly: true }] }).name).toBe(
      "bridge",
    );
  });
});

test("what can't be", () => {
  expect(() => draft({ bip: "10.0.0.0/24" })).toThrow(
    "failed to allocate gateway (10.0.0.0): Address already in use",
  );
  expect(() => draft({ bip: "10.0.0.1/24", defaultGateway: "10.9.0.1" })).toThrow(
    "auxiliary address: (DefaultGatewayIPv4:10.9.0.1) must belong to the master pool: 10.0.0.0/24",
  );
  expect(() => draft({ bip: "10.0.0.1/24", fixedCidr: "10.9.0.0/25" })).toThrow(
    "--fixed-cidr 10.9.0.0/25: it doesn't lie in the bridge's subnet 10.0.0.0/24",
  );
});
