import { expect, test } from "bun:test";
import { subnetBodies, type SubnetFlags } from "./subnets.ts";

const none: SubnetFlags = { subnets: [], ranges: [], gateways: [], auxiliary: {} };
const bodies = (flags: Partial<SubnetFlags>): ReturnType<typeof subnetBodies> =>
  subnetBodies({ ...none, ...flags });

test("everything is put to the subnet that it lies in", () => {
  expect(bodies({})).toEqual([]);
  expect(
    bodies({
      subnets: ["10.1.0.0/16", "fd00::/64", "10.2.0.0/16"],
      ranges: ["10.2.5.0/24", "fd00::/80"],
      gateways: ["fd00::1", "10.1.0.1"],
      auxiliary: { a: "10.1.0.9", b: "10.1.0.10", c: "fd00::9" },
    }),
  ).toEqual([
    { Subnet: "10.1.0.0/16", Gateway: "10.1.0.1", AuxiliaryAddresses: { a: "10.1.0.9", b: "10.1.0.10" } },
    { Subnet: "fd00::/64", IPRange: "fd00::/80", Gateway: "fd00::1", AuxiliaryAddresses: { c: "fd00::9" } },
    { Subnet: "10.2.0.0/16", IPRange: "10.2.5.0/24" },
  ]);
});

test.each([
  [{ gateways: ["10.0.0.1"] }, "every ip-range or gateway must have a corresponding subnet"],
  [{ ranges: ["10.0.0.0/24"] }, "every ip-range or gateway must have a corresponding subnet"],
  [{ subnets: ["10.0.0.0/8", "10.1.0.0/16"] }, "multiple overlapping subnet configuration is not supported"],
  [{ subnets: ["10.1.0.0/16", "10.0.0.0/8"] }, "multiple overlapping subnet configuration is not supported"],
  [{ subnets: ["10.1.0.0/16"], gateways: ["10.2.0.1"] }, "no matching subnet for gateway 10.2.0.1"],
  [{ subnets: ["10.1.0.0/16"], ranges: ["10.2.0.0/24"] }, "no matching subnet for range 10.2.0.0/24"],
  [{ subnets: ["10.1.0.0/16"], auxiliary: { a: "fd00::1" } }, "no matching subnet for aux-address fd00::1"],
  [
    { subnets: ["10.1.0.0/16", "10.2.0.0/16"], gateways: ["10.1.0.1", "10.1.0.2"] },
    "cannot configure multiple gateways (10.1.0.2, 10.1.0.1) for the same subnet (10.1.0.0/16)",
  ],
  [
    { subnets: ["10.1.0.0/16", "10.2.0.0/16"], ranges: ["10.1.1.0/24", "10.1.2.0/24"] },
    "cannot configure multiple ranges (10.1.2.0/24, 10.1.1.0/24) on the same subnet (10.1.0.0/16)",
  ],
  [{ subnets: ["10.1.0.0"], gateways: ["10.1.0.1"] }, "invalid subnet: invalid CIDR address: 10.1.0.0"],
  [{ subnets: ["10.1.0.0/33"], gateways: ["10.1.0.1"] }, "invalid subnet: invalid CIDR address: 10.1.0.0/33"],
] as [Partial<SubnetFlags>, string][])("%j", (flags, text) => {
  expect(() => bodies(flags)).toThrow(text);
});
