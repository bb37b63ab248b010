import { expect, test } from "bun:test";
import type { Endpoint, NetworkRecord } from "../network/mod.ts";
import { networkJson } from "./network-json.ts";

const network: NetworkRecord = {
  id: "n".repeat(64),
  name: "net",
  driver: "bridge",
  created: "2026-01-02T03:04:05.6Z",
  enableIPv4: true,
  enableIPv6: true,
  internal: false,
  attachable: true,
  ingress: false,
  configOnly: false,
  configFrom: "",
  ipam: {
    driver: "default",
    options: {},
    pools: [
      {
        subnet: "172.18.0.0/16",
        ipRange: "172.18.5.0/24",
        gateway: "172.18.5.1",
        auxiliary: { a: "172.18.0.9" },
      },
      { subnet: "fd00::/64", gateway: "fd00::1", gatewayChosen: true },
    ],
  },
  options: { o: "1" },
  labels: { l: "2" },
};
const endpoint = {
  id: "e".repeat(64),
  network: network.id,
  container: "c".repeat(64),
  ipv4: "172.18.0.2",
  ipv6: "fd00::2",
  mac: "02:42:ac:12:00:02",
} as Endpoint;

test("Docker's fields in Docker's order; a gateway that the engine chose isn't shown", () => {
  const found = networkJson(network, [{ endpoint, name: "web" }]);
  expect(Object.keys(found)).toEqual(
    "Name Id Created Scope Driver EnableIPv4 EnableIPv6 IPAM Internal Attachable Ingress ConfigFrom ConfigOnly Containers Options Labels".split(
      " ",
    ),
  );
  expect(found["Scope"]).toBe("local");
  expect(found["IPAM"]).toEqual({
    Driver: "default",
    Options: {},
    Config: [
      {
        Subnet: "172.18.0.0/16",
        IPRange: "172.18.5.0/24",
        Gateway: "172.18.5.1",
        AuxiliaryAddresses: { a: "172.18.0.9" },
      },
      { Subnet: "fd00::/64" },
    ],
  });
  expect(found["Containers"]).toEqual({
    [endpoint.container]: {
      Name: "web",
      EndpointID: endpoint.id,
      MacAddress: "02:42:ac:12:00:02",
      IPv4Address: "172.18.0.2/16",
      IPv6Address: "fd00::2/64",
    },
  });
});

test("without addresses the texts are empty; host and none have no configuration at all", () => {
  const { ipv4: _ipv4, ipv6: _ipv6, ...bare } = endpoint;
  const none = { ...network, scope: "global", ipam: { driver: "null", options: null, pools: [] } };
  const found = networkJson(none, [{ endpoint: bare, name: "web" }]);
  expect(found["IPAM"]).toEqual({ Driver: "null", Options: null, Config: null });
  expect(found["Scope"]).toBe("global");
  expect(Object.values(found["Containers"] as object)[0]).toMatchObject({ IPv4Address: "", IPv6Address: "" });
  const given = { ...network, ipam: { driver: "default", options: {}, pools: [] } };
  expect(networkJson(given, [])["IPAM"]).toEqual({ Driver: "default", Options: {}, Config: [] });
});

test("subnets that were asked for come before chosen ones, IPv4 before IPv6", () => {
  const shown = (...pools: NetworkRecord["ipam"]["pools"]): unknown =>
    networkJson({ ...network, ipam: { ...network.ipam, pools } }, [])["IPAM"];
  const asked = [{ subnet: "fd00:5::/64" }, { subnet: "10.5.0.0/24" }, { subnet: "10.4.0.0/24" }];
  expect(shown(...asked)).toMatchObject({
    Config: [{ Subnet: "10.5.0.0/24" }, { Subnet: "10.4.0.0/24" }, { Subnet: "fd00:5::/64" }],
  });
  expect(shown({ subnet: "172.18.0.0/16", automatic: true }, { subnet: "fd00:5::/64" })).toMatchObject({
    Config: [{ Subnet: "fd00:5::/64" }, { Subnet: "172.18.0.0/16" }],
  });
});
