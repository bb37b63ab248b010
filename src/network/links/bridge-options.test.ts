import { describe, expect, test } from "bun:test";
import { CaissonError } from "../../errors/mod.ts";
import { checkBridgeIsFree, readBridgeOptions } from "./bridge-options.ts";
import { readDriverOptions } from "./drivers.ts";
import { network } from "./testing.ts";

/** Status and text of the refusal of an option. */
function refusal(option: string, value: string): unknown {
  try {
    readDriverOptions(network("bridge", { [`com.docker.network.${option}`]: value }));
  } catch (error) {
    if (error instanceof CaissonError) return [error.status, error.message];
    throw error;
  }
  return "accepted";
}

describe("options of a bridge", () => {
  test("have Docker's defaults", () => {
    expect(readBridgeOptions(network("bridge"))).toEqual({
      bridge: "br-0a7c5b3249af",
      masquerade4: true,
      masquerade6: true,
      icc: true,
      gatewayMode4: "nat",
      gatewayMode6: "nat",
      hostBinding4: "0.0.0.0",
      inhibitIPv4: false,
      trustedInterfaces: [],
      interfacePrefix: "eth",
      hostIPv4: undefined,
      hostIPv6: undefined,
      mtu: undefined,
    });
  });

  test("are read", () => {
    const options = {
      "com.docker.network.bridge.name": "lan0",
      "com.docker.network.bridge.enable_ip_masquerade": "F",
      "com.docker.network.bridge.enable_icc": "0",
      "com.docker.network.bridge.gateway_mode_ipv4": "nat-unprotected",
      "com.docker.network.bridge.gateway_mode_ipv6": "routed",
      "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
      "com.docker.network.bridge.inhibit_ipv4": "TRUE",
      "com.docker.network.bridge.trusted_host_interfaces": "eth0::eth1",
      "com.docker.network.container_iface_prefix": "net",
      "com.docker.network.host_ipv4": "10.0.0.9",
      "com.docker.network.host_ipv6": "fd00::9",
      "com.docker.network.driver.mtu": "+1400",
      "something.else": "is no error",
    };
    expect(readBridgeOptions(network("bridge", options))).toEqual({
      bridge: "lan0",
      masquerade4: false,
      masquerade6: false,
      icc: false,
      gatewayMode4: "nat-unprotected",
      gatewayMode6: "routed",
      hostBinding4: "127.0.0.1",
      inhibitIPv4: true,
      trustedInterfaces: ["eth0", "eth1"],
      interfacePrefix: "net",
      hostIPv4: "10.0.0.9",
      hostIPv6: "fd00::9",
      mtu: 1400,
    });
  });

  // As dockerd 28.5 answers.
  test.each([
    [
      "driver.mtu",
      "x",
      400,
      'failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing "x": invalid syntax)',
    ],
    [
      "driver.mtu",
      "99999999999999999999",
      400,
      'failed to parse com.docker.network.driver.mtu value: 99999999999999999999 (strconv.Atoi: parsing "99999999999999999999": value out of range)',
    ],
    ["driver.mtu", "-5", 400, "invalid MTU number: -5"],
    ["driver.mtu", "67", 400, "invalid argument"],
    ["driver.mtu", "99999", 400, "invalid argument"],
    [
      "bridge.enable_icc",
      "maybe",
      400,
      'failed to parse com.docker.network.bridge.enable_icc value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)',
    ],
    [
      "bridge.inhibit_ipv4",
      "q",
      400,
      'failed to parse com.docker.network.bridge.inhibit_ipv4 value: q (strconv.ParseBool: parsing "q": invalid syntax)',
    ],
    [
      "bridge.gateway_mode_ipv4",
      "foo",
      400,
      "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: foo (unknown gateway mode foo)",
    ],
    [
      "bridge.gateway_mode_ipv4",
      "isolated",
      400,
      "gateway mode 'isolated' can only be used for an internal network",
    ],
    [
      "bridge.gateway_mode_ipv6",
      "isolated",
      400,
      "gateway mode 'isolated' can only be used for an internal network",
    ],
    [
      "bridge.host_binding_ipv4",
      "zz",
      400,
      "failed to parse com.docker.network.bridge.host_binding_ipv4 value: zz (nil ip)",
    ],
    ["host_ipv4", "zz", 400, "failed to parse com.docker.network.host_ipv4 value: zz (nil ip)"],
    ["bridge.name", "waytoolongbridgename", 400, "numerical result out of range"],
    ["bridge.name", "a/b", 400, "invalid argument"],
  ])("%s=%s is refused", (option, value, status, text) => {
    expect(refusal(option, value)).toEqual([status, text]);
  });

  test.each([
    ["driver.mtu", "0"],
    ["driver.mtu", "68"],
    ["bridge.host_binding_ipv4", "fd00::1"],
    ["bridge.unheard_of", "x"],
  ])("%s=%s is accepted", (option, value) => {
    expect(refusal(option, value)).toBe("accepted");
  });

  test("say whether there is a gateway", () => {
    const needs = (options: Record<string, string>, internal: boolean): unknown =>
      readDriverOptions(network("bridge", options, { internal }));
    expect(needs({}, false)).toEqual({ gateway4: true, gateway6: true });
    expect(needs({ "com.docker.network.bridge.gateway_mode_ipv4": "isolated" }, true)).toEqual({
      gateway4: false,
      gateway6: true,
    });
    expect(needs({ "com.docker.network.bridge.gateway_mode_ipv6": "isolated" }, true)).toEqual({
      gateway4: true,
      gateway6: false,
    });
    expect(needs({ "com.docker.network.bridge.inhibit_ipv4": "1" }, false)).toEqual({
      gateway4: true,
      gateway6: true,
    });
    expect(needs({ "com.docker.network.bridge.inhibit_ipv4": "1" }, true)).toEqual({
      gateway4: false,
      gateway6: true,
    });
  });

  test("name a bridge that no other network has", () => {
    const one = network("bridge", { "com.docker.network.bridge.name": "lan0" });
    const other = { ...one, id: "b".repeat(64) };
    expect(() =>
      checkBridgeIsFree(one, [one, { ...other, driver: "macvlan" }, network("bridge")]),
    ).not.toThrow();
    expect(() => checkBridgeIsFree(one, [other])).toThrow(
      `cannot create network ${one.id} (lan0): conflicts with network ${other.id} (lan0): networks have same bridge name`,
    );
  });
});
