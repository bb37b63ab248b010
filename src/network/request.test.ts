import { describe, expect, test } from "bun:test";
import { CaissonError } from "../errors/mod.ts";
import { effectivePools } from "./ipam/pools.ts";
import { draftNetwork, type NetworkBody, type NetworkDraft, type NetworkSurroundings } from "./request.ts";
import type { NetworkRecord } from "./types.ts";

const id = "a".repeat(64);

function surroundings(existing: readonly NetworkRecord[] = []): NetworkSurroundings {
  return {
    existing,
    host: ["10.9.0.0/16"],
    pools: effectivePools([], "dba22d03-0aa0-4b0f-9d52-a5098431f8ff"),
    defaultOptions: {},
    drivers: new Set(["bridge", "macvlan", "ipvlan"]),
    checkOptions: () => ({ gateway4: true, gateway6: true }),
    id,
    created: "2026-11-24T11:47:46.285404175Z",
  };
}

function draft(body: NetworkBody, around: NetworkSurroundings = surroundings()): NetworkDraft {
  return draftNetwork({ Name: "t", ...body }, around);
}

const bridge = draft({ IPAM: { Config: [{ Subnet: "172.17.0.0/16" }] } }).record;
const config = draft({
  Name: "cfg",
  ConfigOnly: true,
  IPAM: {
    Config: [{ Subnet: "10.14.0.0/24", IPRange: "10.14.0.8/29", AuxiliaryAddresses: { a: "10.14.0.20" } }],
  },
  Options: { "com.docker.network.bridge.enable_icc": "false" },
  Labels: { c: "d" },
  EnableIPv6: true,
}).record;
const present = surroundings([{ ...bridge, id: "b".repeat(64), name: "first" }, config]);

/** Status and text of a refusal. */
function refused(body: NetworkBody, around: NetworkSurroundings = present): [number, string] | undefined {
  try {
    draft(body, around);
  } catch (error) {
    if (error instanceof CaissonError) return [error.status, error.message];
    throw error;
  }
  return undefined;
}

test("a name is enough", () => {
  expect(draft({})).toEqual({
    record: {
      id,
      name: "t",
      driver: "bridge",
      created: "2026-11-24T11:47:46.285404175Z",
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
      options: {},
      labels: {},
    },
    warning: "",
  });
});

test("automatic subnets keep away from networks and the host, and stand behind what was asked for", () => {
  const around = { ...present, host: ["172.18.0.0/15"] };
  const body = { EnableIPv6: true, IPAM: { Config: [{ Subnet: "FD00:1:0::/64" }] } };
  expect(draft(body, around).record.ipam.pools).toEqual([
    { subnet: "fd00:1::/64", gateway: "fd00:1::1", gatewayChosen: true },
    { subnet: "172.20.0.0/16", gateway: "172.20.0.1", automatic: true },
  ]);
  expect(draft({ EnableIPv6: true }).record.ipam.pools[1]).toEqual({
    subnet: "fd85:fa41:5951::/64",
    gateway: "fd85:fa41:5951::1",
    automatic: true,
  });
});

test("the gateway is what was asked for, else the first of the range, unless the driver needs none", () => {
  const pool = (body: object, gateway4 = true): unknown =>
    draft(
      { IPAM: { Config: [{ Subnet: "10.20.0.0/28", ...body }] } },
      { ...present, checkOptions: () => ({ gateway4, gateway6: true }) },
    ).record.ipam.pools[0];
  expect(pool({ Gateway: "10.20.0.9" })).toEqual({ subnet: "10.20.0.0/28", gateway: "10.20.0.9" });
  expect(pool({ IPRange: "10.20.0.8/30" })).toMatchObject({ ipRange: "10.20.0.8/30", gateway: "10.20.0.8" });
  expect(pool({}, false)).toEqual({ subnet: "10.20.0.0/28" });
  expect(pool({ Gateway: "10.20.0.9" }, false)).toMatchObject({ gateway: "10.20.0.9" });
  expect(pool({ AuxiliaryAddresses: { a: "10.20.0.7" } })).toMatchObject({ auxiliary: { a: "10.20.0.7" } });
});

test("a subnet of a family that isn't enabled isn't used, and the client is told", () => {
  const { record, warning } = draft({ IPAM: { Config: [{ Subnet: "fd00::/64" }] } });
  expect(record.ipam.pools.map(({ subnet }) => subnet)).toEqual(["172.17.0.0/16"]);
  expect(warning).toBe("subnet fd00::/64 is not used: its address family is not enabled");
  const six = draft(
    { EnableIPv4: false, EnableIPv6: true, IPAM: { Config: [{ Subnet: "172.17.0.0/16" }] } },
    present,
  );
  expect(six.record.ipam.pools.map(({ subnet }) => subnet)).toEqual(["fd85:fa41:5951::/64"]);
});

test("several subnets of a family are for drivers other than bridge", () => {
  const IPAM = { Config: [{ Subnet: "10.1.0.0/24" }, { Subnet: "10.2.0.0/24" }] };
  expect(draft({ Driver: "macvlan", IPAM }).record.ipam.pools).toHaveLength(2);
  expect(refused({ IPAM })).toEqual([403, "bridge driver doesn't support multiple subnets"]);
});

test("a configuration network keeps what was asked, and another network takes it", () => {
  expect(config).toMatchObject({
    driver: "null",
    configOnly: true,
    ipam: { pools: [{ subnet: "10.14.0.0/24" }] },
  });
  expect(config.ipam.pools[0]?.gateway).toBeUndefined();
  const { record } = draft({ ConfigFrom: { Network: "cfg" }, Internal: true }, present);
  expect(record).toMatchObject({
    driver: "bridge",
    configFrom: "cfg",
    configOnly: false,
    internal: true,
    enableIPv6: true,
    options: { "com.docker.network.bridge.enable_icc": "false" },
    labels: { c: "d" },
  });
  expect(record.ipam.pools).toEqual([
    {
      subnet: "10.14.0.0/24",
      ipRange: "10.14.0.8/29",
      gateway: "10.14.0.8",
      gatewayChosen: true,
      auxiliary: { a: "10.14.0.20" },
    },
    { subnet: "fd85:fa41:5951::/64", gateway: "fd85:fa41:5951::1", automatic: true },
  ]);
});

test("a configuration network takes no subnet from others", () => {
  const IPAM = { Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.0" }] };
  expect(refused({ ConfigOnly: true, IPAM, Driver: "nope", EnableIPv4: false })).toBeUndefined();
  expect(draft({ IPAM: { Config: [{ Subnet: "10.14.0.0/16" }] } }, present).record.ipam.pools).toHaveLength(
    1,
  );
});

test("default options of a driver are options unless something else is said", () => {
  const around = {
    ...present,
    defaultOptions: {
      bridge: { "com.docker.network.enable_ipv6": "true", mtu: "1400" },
      macvlan: { x: "y" },
    },
  };
  const { record } = draft({ Options: { mtu: "9000" } }, around);
  expect(record.options).toEqual({ "com.docker.network.enable_ipv6": "true", mtu: "9000" });
  expect(record.enableIPv6).toBe(true);
  expect(draft({ EnableIPv6: false }, around).record.enableIPv6).toBe(false);
});

test("without any family only a bridge is refused", () => {
  expect(refused({ EnableIPv4: false })).toEqual([400, "IPv4 or IPv6 must be enabled"]);
  expect(draft({ EnableIPv4: false, Driver: "ipvlan", IPAM: { Driver: "null" } }).record.ipam.pools).toEqual(
    [],
  );
});

describe("refusals, as dockerd 28.5.2 words them", () => {
  const ipam = (...Config: object[]): NetworkBody => ({ IPAM: { Config } });
  const prefixed = (text: string): [number, string] => [400, `invalid network config:\n${text}`];
  const overlap: [number, string] = [
    403,
    "invalid pool request: Pool overlaps with other one on this address space",
  ];
  const own: [number, string] = [
    403,
    "user specified configurations are not supported if the network depends on a configuration network",
  ];
  const operator: [number, string] = [
    403,
    "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.",
  ];
  const ConfigFrom = { Network: "cfg" };
  const rows: [NetworkBody, [number, string]][] = [
    [{ Name: "" }, [400, "invalid name: name is empty"]],
    [{ Name: " ", Driver: "nope" }, [400, "invalid name: name is empty"]],
    [{ Name: "", ...ipam({ Subnet: "z" }) }, prefixed("invalid subnet z: invalid CIDR block notation")],
    [
      { Name: "bridge", ...ipam({ Subnet: "z" }) },
      [403, "operation is not permitted on predefined bridge network "],
    ],
    [{ Name: "default" }, [403, "operation is not permitted on predefined default network "]],
    [{ Name: "first", Driver: "nope" }, [409, "network with name first already exists"]],
    [{ Driver: "host" }, [403, 'only one instance of "host" network is allowed']],
    [{ Driver: "null" }, [403, 'only one instance of "null" network is allowed']],
    [{ Driver: "nope", Scope: "swarm", IPAM: { Driver: "nope2" } }, [404, 'plugin "nope" not found']],
    [
      { Driver: "overlay" },
      [
        403,
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      ],
    ],
    [{ IPAM: { Driver: "nope" } }, [404, 'plugin "nope" not found']],
    [{ IPAM: { Driver: "null" } }, [400, "ipv4 pool is empty"]],
    [{ Scope: "swarm" }, [403, "cannot create a swarm scoped network when swarm is not active"]],
    [{ Ingress: true, Scope: "swarm" }, [403, "Ingress network can only be global scope network"]],
    [
      { Options: { "com.docker.network.enable_ipv6": "x" } },
      [400, 'driver-opt "com.docker.network.enable_ipv6" is not a valid bool'],
    ],
    [{ ConfigOnly: true, ConfigFrom, Internal: true }, operator],
    [{ ConfigOnly: true, Scope: "local" }, operator],
    [
      { ConfigOnly: true, ConfigFrom },
      [403, "a configuration network cannot depend on another configuration network"],
    ],
    [{ ConfigFrom: { Network: "first" } }, [404, 'configuration network "first" does not exist']],
    [{ ConfigFrom, ...ipam({ Subnet: "10.15.0.0/24" }) }, own],
    [{ ConfigFrom, Labels: { a: "b" } }, own],
    [{ ConfigFrom, EnableIPv6: true }, own],
    [{ ConfigFrom, EnableIPv4: false }, own],
    [
      { ConfigFrom, Options: { a: "b" } },
      [403, "network driver options are not supported if the network depends on a configuration network"],
    ],
    [ipam({ Subnet: "10.1.0.5/16" }), prefixed("invalid subnet 10.1.0.5/16: it should be 10.1.0.0/16")],
    [ipam({ Gateway: "10.1.0.1" }), prefixed("invalid subnet : invalid CIDR block notation")],
    [
      ipam({ Subnet: "10.1.0.0/16", Gateway: "10.2.0.1" }),
      prefixed("invalid gateway 10.2.0.1: parent subnet 10.1.0.0/16 doesn't contain this address"),
    ],
    [
      ipam({ Subnet: "10.1.0.0/16", Gateway: "fd00::1" }),
      prefixed("invalid gateway fd00::1: parent subnet is an IPv4 block"),
    ],
    [
      ipam({ Subnet: "10.1.0.0/16", IPRange: "fd00::/70" }),
      prefixed("invalid ip-range fd00::/70: parent subnet is an IPv4 block"),
    ],
    [
      ipam({ Subnet: "10.1.0.0/16", IPRange: "10.2.0.0/24" }),
      prefixed("invalid ip-range 10.2.0.0/24: parent subnet 10.1.0.0/16 doesn't contain ip-range"),
    ],
    [
      ipam({ Subnet: "10.1.0.0/16", AuxiliaryAddresses: { a: "10.2.0.1" } }),
      prefixed("invalid auxiliary address a: parent subnet 10.1.0.0/16 doesn't contain this address"),
    ],
    [
      ipam({ Subnet: "10.3.0.1/24", IPRange: "10.4.0.1/8", Gateway: "x" }, { Subnet: "z" }),
      prefixed(
        `* invalid subnet 10.3.0.1/24: it should be 10.3.0.0/24
* invalid ip-range 10.4.0.1/8: CIDR block is bigger than its parent subnet 10.3.0.1/24
* invalid ip-range 10.4.0.1/8: it should be 10.0.0.0/8
* invalid gateway x: invalid address
* invalid subnet z: invalid CIDR block notation`,
      ),
    ],
    [ipam({ Subnet: "172.17.4.0/24" }), overlap],
    [ipam({ Subnet: "0.0.0.0/0" }), overlap],
    [ipam({ Subnet: "10.1.0.0/16" }, { Subnet: "10.1.2.0/24" }), overlap],
    [
      ipam({ Subnet: "10.1.0.0/16", Gateway: "10.1.255.255" }),
      [400, "failed to allocate gateway (10.1.255.255): Address already in use"],
    ],
    [
      ipam({ Subnet: "10.1.0.0/24", IPRange: "10.1.0.0/32" }),
      [400, "failed to allocate gateway (): no available addresses on this pool"],
    ],
    [
      ipam({ Subnet: "10.1.0.0/16", AuxiliaryAddresses: { a: "10.1.0.1" } }),
      [400, "failed to allocate secondary ip address (a:10.1.0.1): Address already in use"],
    ],
  ];
  for (const [body, answer] of rows) test(JSON.stringify(body), () => expect(refused(body)).toEqual(answer));

  test("a scope that Docker takes and doesn't mean", () => {
    expect(refused({ Scope: "global" })).toEqual([
      501,
      "a network of scope global is not supported by this version of caisson",
    ]);
  });
});
