import { expect, test } from "bun:test";
import { networkDefaults, type NetworkOptions } from "../engine/daemon-options.ts";
import { networkFlags, networkOptions } from "./daemon-network-flags.ts";
import { parseFlags } from "./flags.ts";

function options(...argv: readonly string[]): NetworkOptions {
  return networkOptions(parseFlags(networkFlags, argv, true).flags);
}

test("nothing said is what Docker does", () => {
  expect(options()).toEqual(networkDefaults);
});

test("each flag says one thing", () => {
  const rows: [string, Partial<NetworkOptions>][] = [
    ["--bip 10.1.0.1/24", { bip: "10.1.0.1/24" }],
    ["--bip6 FD00:0::1/64", { bip6: "fd00::1/64" }],
    ["-b none", { bridge: "none" }],
    ["--bridge br0", { bridge: "br0" }],
    ["--fixed-cidr 10.1.0.9/25", { fixedCidr: "10.1.0.0/25" }],
    ["--fixed-cidr-v6 fd00::1/80", { fixedCidrV6: "fd00::/80" }],
    ["--default-gateway 10.1.0.254", { defaultGateway: "10.1.0.254" }],
    ["--default-gateway-v6 fd00::FF", { defaultGatewayV6: "fd00::ff" }],
    [
      "--default-address-pool base=10.10.0.0/16,size=24 --default-address-pool base=fd00::/56,size=64",
      {
        defaultAddressPools: [
          { base: "10.10.0.0/16", size: 24 },
          { base: "fd00::/56", size: 64 },
        ],
      },
    ],
    [
      "--default-network-opt bridge=a=b --default-network-opt bridge=c=d=e --default-network-opt macvlan=f=",
      { defaultNetworkOptions: { bridge: { a: "b", c: "d=e" }, macvlan: { f: "" } } },
    ],
    ["--dns 1.2.3.4,fd00::1 --dns 5.6.7.8", { dns: ["1.2.3.4", "fd00::1", "5.6.7.8"] }],
    ["--dns-opt ndots:1 --dns-search x.y", { dnsOptions: ["ndots:1"], dnsSearch: ["x.y"] }],
    ["--host-gateway-ip 1.2.3.4 --host-gateway-ip fd00::1", { hostGatewayAddresses: ["1.2.3.4", "fd00::1"] }],
    ["--icc=false", { interContainerCommunication: false }],
    ["--ip 127.0.0.1", { defaultHostAddress: "127.0.0.1" }],
    ["--ip-forward=false --ip-forward-no-drop", { ipForward: false, ipForwardNoDrop: true }],
    ["--ip-masq=false", { ipMasquerade: false }],
    ["--iptables=false --ip6tables=false", { iptables: false, ip6tables: false }],
    ["--ipv6", { ipv6: true }],
    ["--mtu 9000", { mtu: 9000 }],
    ["--mtu 0", {}],
    ["--userland-proxy=false", { userlandProxy: false }],
    ["--userland-proxy-path /bin/sh", { userlandProxyPath: "/bin/sh" }],
    [
      "--userland-proxy=false --userland-proxy-path /nope",
      { userlandProxy: false, userlandProxyPath: "/nope" },
    ],
    ["--allow-direct-routing", { allowDirectRouting: true }],
    ["--bridge-accept-fwmark 0x1/0xff", { bridgeAcceptMark: { mark: 1, mask: 255 } }],
    ["--bridge-accept-fwmark 7", { bridgeAcceptMark: { mark: 7, mask: 0xff_ff_ff_ff } }],
    ["--firewall-backend nftables", {}],
    [
      "--published-ports default-address=127.0.0.1,respect-host-firewall",
      { publishedPorts: { defaultAddress: "127.0.0.1", respectHostFirewall: true } },
    ],
    ["--published-ports respect-host-firewall=false", { publishedPorts: { respectHostFirewall: false } }],
  ];
  for (const [flags, said] of rows) {
    expect(options(...flags.split(" ")), flags).toEqual({ ...networkDefaults, ...said });
  }
});

test("what is wrong is said in dockerd's words where it has some", () => {
  const rows: [string, string][] = [
    ["--bip x", "parse bip failed: invalid CIDR address: x"],
    ["--bip 10.0.0.1/33", "parse bip failed: invalid CIDR address: 10.0.0.1/33"],
    ["--bip fd00::1/64", "parse bip failed: invalid CIDR address: fd00::1/64"],
    ["--bip6 10.0.0.1/24", "parse bip6 failed: invalid CIDR address: 10.0.0.1/24"],
    ["--fixed-cidr x", "parse fixed-cidr failed: invalid CIDR address: x"],
    [
      "-b none --bip 10.0.0.1/24",
      "You specified -b & --bip, mutually exclusive options. Please specify only one",
    ],
    [
      "--icc=false --iptables=false",
      "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true",
    ],
    ["--default-gateway x", 'invalid argument "x" for "--default-gateway" flag: failed to parse IP: "x"'],
    ["--default-gateway fd00::1", 'invalid value "fd00::1" for --default-gateway: not an IPv4 address'],
    [
      "--default-address-pool x",
      `invalid argument "x" for "--default-address-pool" flag: invalid field 'x' must be a key=value pair`,
    ],
    [
      "--default-network-opt bridge=b",
      'invalid value "bridge=b" for map option, should be root-key=key=value',
    ],
    ["--dns 1.2.3.4,x", "invalid string being converted to IP address: x"],
    ["--dns-search a..b", "a..b is not a valid domain"],
    [
      "--host-gateway-ip 1.2.3.4 --host-gateway-ip 1.2.3.5",
      "only one IPv4 host gateway IP address can be specified",
    ],
    ["--host-gateway-ip ::1 --host-gateway-ip ::2", "only one IPv6 host gateway IP address can be specified"],
    ["--mtu -1", "invalid default MTU: -1"],
    ["--mtu x", 'strconv.ParseInt: parsing "x": invalid syntax'],
    ["--userland-proxy-path /nope", "invalid userland-proxy-path: "],
    [
      "--userland-proxy-path=",
      "invalid userland-proxy-path: userland-proxy is enabled, but userland-proxy-path is not set",
    ],
    ["--bridge-accept-fwmark x", 'invalid firewall mark "x": not a number of 32 bits'],
    ["--bridge-accept-fwmark 1/0x100000000", 'invalid firewall mask "0x100000000"'],
    ["--firewall-backend iptables", "the rules are nftables' own"],
    ["--firewall-backend x", 'invalid value "x" for --firewall-backend: must be "nftables"'],
    ["--published-ports x=y", "unexpected key 'x' in 'x=y'"],
    ["--published-ports default-address=x", 'failed to parse IP: "x"'],
    ["--published-ports respect-host-firewall=x", '"x" is neither true nor false'],
  ];
  for (const [flags, text] of rows) expect(() => options(...flags.split(" ")), flags).toThrow(text);
});
