import { describe, expect, test } from "bun:test";
import { configOf, readIpamConfig, settlePool, askedPool, type IpamConfigBody } from "./config.ts";

const settled = (config: IpamConfigBody, gatewayWanted = true): object | undefined => {
  const [asked] = readIpamConfig([config]);
  return asked === undefined ? undefined : settlePool(asked, gatewayWanted);
};

describe("what is wrong, in Docker's words", () => {
  test.each([
    [{ Subnet: "10.0.0.0" }, "invalid subnet 10.0.0.0: invalid CIDR block notation"],
    [{}, "invalid subnet : invalid CIDR block notation"],
    [{ Subnet: "::ffff:10.0.0.0/104" }, "invalid subnet ::ffff:10.0.0.0/104: invalid CIDR block notation"],
    [{ Subnet: "10.0.0.1/8" }, "invalid subnet 10.0.0.1/8: it should be 10.0.0.0/8"],
    [{ Subnet: "10.0.0.0/8", IPRange: "x" }, "invalid ip-range x: invalid CIDR block notation"],
    [
      { Subnet: "10.0.0.0/8", IPRange: "fd00::/64" },
      "invalid ip-range fd00::/64: parent subnet is an IPv4 block",
    ],
    [
      { Subnet: "10.0.0.0/16", IPRange: "10.0.0.0/8" },
      "invalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.0.0.0/16",
    ],
    [
      { Subnet: "10.0.0.0/16", IPRange: "10.1.0.0/24" },
      "invalid ip-range 10.1.0.0/24: parent subnet 10.0.0.0/16 doesn't contain ip-range",
    ],
    [
      { Subnet: "10.0.0.0/16", IPRange: "10.0.1.1/24" },
      "invalid ip-range 10.0.1.1/24: it should be 10.0.1.0/24",
    ],
    [{ Subnet: "10.0.0.0/16", Gateway: "x" }, "invalid gateway x: invalid address"],
    [
      { Subnet: "10.0.0.0/16", Gateway: "fd00::1" },
      "invalid gateway fd00::1: parent subnet is an IPv4 block",
    ],
    [
      { Subnet: "10.0.0.0/16", Gateway: "10.1.0.1" },
      "invalid gateway 10.1.0.1: parent subnet 10.0.0.0/16 doesn't contain this address",
    ],
    [
      { Subnet: "10.0.0.0/16", AuxiliaryAddresses: { a: "1.1.1.1" } },
      "invalid auxiliary address a: parent subnet 10.0.0.0/16 doesn't contain this address",
    ],
  ] as [IpamConfigBody, string][])("%j", (config, text) => {
    expect(() => readIpamConfig([config])).toThrow(text);
  });

  test("everything at once", () => {
    const configs = [{ Subnet: "x" }, { Subnet: "10.0.0.0/16", Gateway: "y" }];
    expect(() => readIpamConfig(configs)).toThrow(
      /^invalid network config:\n.*invalid subnet x.*\n.*invalid gateway y/,
    );
  });
});

test("a gateway is the first of the subnet, or of its range; one that was asked for is kept", () => {
  expect(settled({ Subnet: "10.0.0.0/16" })).toEqual({
    subnet: "10.0.0.0/16",
    gateway: "10.0.0.1",
    gatewayChosen: true,
  });
  expect(settled({ Subnet: "10.0.0.0/16", IPRange: "10.0.5.0/24" })).toMatchObject({
    ipRange: "10.0.5.0/24",
    gatewayChosen: true,
    gateway: /* as Docker */ "10.0.5.0",
  });
  expect(settled({ Subnet: "10.0.0.0/16", Gateway: "10.0.9.9" })).toEqual({
    subnet: "10.0.0.0/16",
    gateway: "10.0.9.9",
  });
  expect(settled({ Subnet: "10.0.0.0/16" }, false)).toEqual({ subnet: "10.0.0.0/16" });
});

test("auxiliary addresses are taken, in canonical form; one address is taken once", () => {
  expect(settled({ Subnet: "fd00::/64", AuxiliaryAddresses: { a: "FD00:0::5" } })).toMatchObject({
    auxiliary: { a: "fd00::5" },
  });
  expect(() =>
    settled({ Subnet: "10.0.0.0/16", Gateway: "10.0.0.1", AuxiliaryAddresses: { a: "10.0.0.1" } }),
  ).toThrow("failed to allocate secondary ip address (a:10.0.0.1): Address already in use");
});

test("what was asked for comes back, for a network that is made of it later", () => {
  const config = {
    Subnet: "10.0.0.0/16",
    IPRange: "10.0.5.0/24",
    Gateway: "10.0.0.9",
    AuxiliaryAddresses: { a: "10.0.0.7" },
  };
  expect(readIpamConfig([config]).map(askedPool).map(configOf)).toEqual([config]);
  expect(
    readIpamConfig([{ Subnet: "fd00:0::/64" }])
      .map(askedPool)
      .map(configOf),
  ).toEqual([{ Subnet: "fd00::/64" }]);
});
