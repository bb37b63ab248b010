import { describe, expect, test } from "bun:test";
import { CaissonError } from "../errors/mod.ts";
import { localMac, readEndpointRequest, readMac, type EndpointConfigBody } from "./endpoint-request.ts";
import type { EndpointRequest, IpamPool, NetworkRecord } from "./types.ts";

function network(name: string, ...pools: IpamPool[]): NetworkRecord {
  return {
    id: "a".repeat(64),
    name,
    driver: "bridge",
    created: "",
    enableIPv4: true,
    enableIPv6: false,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    ipam: { driver: "default", options: null, pools },
    options: {},
    labels: {},
  };
}

const own = network("n", { subnet: "10.20.0.0/29", ipRange: "10.20.0.4/30" }, { subnet: "fd00::/64" });
const four = network("n", { subnet: "10.20.0.0/29" });
const bridge = network("bridge", { subnet: "172.17.0.0/16" });

function refused(on: NetworkRecord, body: EndpointConfigBody): string | undefined {
  try {
    readEndpointRequest(on, body);
  } catch (error) {
    if (error instanceof CaissonError && error.status === 400) return error.message;
    throw error;
  }
  return undefined;
}

test("everything that is asked for, in canonical form", () => {
  const body: EndpointConfigBody = {
    IPAMConfig: {
      IPv4Address: "10.20.0.3",
      IPv6Address: "FD00:0::9",
      LinkLocalIPs: ["169.254.1.1", "FE80::0:5"],
    },
    Links: ["a:b"],
    Aliases: ["x", "x"],
    MacAddress: "02-42-AC-11-00-02",
    DriverOpts: { a: "b" },
    GwPriority: -3,
    NetworkID: "ignored",
  };
  const request: EndpointRequest = {
    ipv4: "10.20.0.3",
    ipv6: "fd00::9",
    linkLocal: ["169.254.1.1", "fe80::5"],
    links: ["a:b"],
    aliases: ["x", "x"],
    mac: "02:42:ac:11:00:02",
    driverOptions: { a: "b" },
    gatewayPriority: -3,
  };
  expect(readEndpointRequest(own, body)).toEqual(request);
});

test("nothing is asked for", () => {
  const nothing = { gatewayPriority: 0 };
  expect(readEndpointRequest(own, {})).toEqual(nothing);
  const empty = {
    IPAMConfig: { IPv4Address: "", LinkLocalIPs: null },
    Links: null,
    Aliases: [],
    MacAddress: "",
  };
  expect(readEndpointRequest(bridge, empty)).toEqual(nothing);
});

describe("refusals, as dockerd 28.5.2 words them", () => {
  const unconfigured =
    "user specified IP address is supported only when connecting to networks with user configured subnets";
  const rows: [NetworkRecord, EndpointConfigBody, string][] = [
    [
      four,
      { IPAMConfig: { IPv4Address: "10.20.0.9" } },
      "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.20.0.9",
    ],
    [
      four,
      { IPAMConfig: { IPv4Address: "10.20.0.9", IPv6Address: "x", LinkLocalIPs: ["y", "z"] } },
      `invalid endpoint settings:
* invalid IPv6 address: x
* invalid link-local IP address: y
* invalid link-local IP address: z
* no configured subnet or ip-range contain the IP address 10.20.0.9
* ${unconfigured}`,
    ],
    [
      four,
      { IPAMConfig: { IPv4Address: "0.0.0.0" } },
      "invalid endpoint settings:\n* invalid IPv4 address: 0.0.0.0\n* no configured subnet or ip-range contain the IP address 0.0.0.0",
    ],
    [
      four,
      { IPAMConfig: { IPv6Address: "::ffff:10.20.0.4" } },
      `invalid endpoint settings:\n* invalid IPv6 address: ::ffff:10.20.0.4\n* ${unconfigured}`,
    ],
    [
      network("auto", { subnet: "172.20.0.0/16", automatic: true }),
      { IPAMConfig: { IPv4Address: "172.20.0.9" } },
      `invalid endpoint settings:\n${unconfigured}`,
    ],
    [
      bridge,
      { Aliases: ["x"], IPAMConfig: { IPv4Address: "bad", LinkLocalIPs: ["y"] } },
      `invalid endpoint settings:
* user specified IP address is supported on user defined networks only
* network-scoped alias is supported only for containers in user defined networks
* invalid IPv4 address: bad
* invalid link-local IP address: y
* ${unconfigured}`,
    ],
    [four, { IPAMConfig: { LinkLocalIPs: ["10.0.0.1"] } }, "invalid link local IP address: 10.0.0.1"],
    [four, { MacAddress: "bad" }, "invalid MAC address bad"],
  ];
  for (const [on, body, text] of rows) {
    test(`${on.name}: ${JSON.stringify(body)}`, () => expect(refused(on, body)).toBe(text));
  }
});

test("MAC addresses in Go's forms; not those of groups, of nobody, of eight bytes", () => {
  for (const text of ["02:42:AC:11:00:02", "02-42-ac-11-00-02", "0242.ac11.0002"]) {
    expect(readMac(text)).toBe("02:42:ac:11:00:02");
  }
  for (const text of [
    "01:42:ac:11:00:02",
    "00:00:00:00:00:00",
    "02:42:ac:11:00:02:03:04",
    " 02:42:ac:11:00:02",
    "02:42-ac:11:00:02",
  ]) {
    expect(() => readMac(text)).toThrow(`invalid MAC address ${text}`);
  }
});

test("a random MAC address is one that nobody assigned, and readable", () => {
  for (const first of [0x00, 0x01, 0x03, 0xff]) {
    const mac = localMac(Uint8Array.of(first, 1, 2, 3, 4, 5));
    expect(readMac(mac)).toBe(mac);
    expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
  }
});
