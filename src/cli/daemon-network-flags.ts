/**
 * dockerd's flags about networks, read into {@link NetworkOptions}.
 * @module
 */
import { accessSync, constants } from "node:fs";
import { networkDefaults, type NetworkOptions } from "../engine/daemon-options.ts";
import { failure, messageOf } from "../errors/mod.ts";
import {
  formatAddress,
  formatPrefix,
  parseAddress,
  parseCidr,
  parseDefaultPool,
  poolJson,
  type Address,
  type Family,
} from "../network/mod.ts";
import { takeSearchDomain } from "./container/addresses.ts";
import { commandFailed } from "./failure-text.ts";
import type { DaemonSetting } from "./daemon-setting.ts";
import type { Flags } from "./flags.ts";
import { cut } from "./key-values.ts";

/** The flags of `caisson daemon` about networks. */
export const networkFlags: readonly DaemonSetting[] = [
  {
    name: "allow-direct-routing",
    type: "bool",
    usage: "Allow remote access to published ports on container IP addresses",
  },
  { name: "bip", type: "string", usage: "IPv4 address for the default bridge" },
  { name: "bip6", type: "string", usage: "IPv6 address for the default bridge" },
  {
    name: "bridge",
    short: "b",
    type: "string",
    usage: 'Attach containers to a network bridge ("none": to none)',
  },
  {
    name: "bridge-accept-fwmark",
    type: "string",
    usage: "In bridge networks, accept packets with this firewall mark/mask",
    take: (value) => {
      readMark(value);
      return value;
    },
  },
  {
    name: "default-address-pool",
    key: "default-address-pools",
    json: "pools",
    type: "list",
    usage: "Default address pools for node specific local networks (base=10.10.0.0/16,size=24)",
    take: (value) => {
      parseDefaultPool(value);
      return value;
    },
  },
  {
    name: "default-gateway",
    type: "string",
    usage: "Default gateway IPv4 address for the default bridge network",
    take: takeOneAddress,
  },
  {
    name: "default-gateway-v6",
    type: "string",
    usage: "Default gateway IPv6 address for the default bridge network",
    take: takeOneAddress,
  },
  {
    name: "default-network-opt",
    key: "default-network-opts",
    json: "options-by-driver",
    type: "list",
    usage: "Default network options (driver=option=value)",
    take: (value) => {
      readNetworkOption(value);
      return value;
    },
  },
  { name: "dns", type: "list", usage: "DNS server to use", take: takeServers },
  { name: "dns-opt", key: "dns-opts", type: "list", usage: "DNS options to use" },
  { name: "dns-search", type: "list", usage: "DNS search domains to use", take: takeSearchDomain },
  {
    name: "firewall-backend",
    type: "string",
    usage: "Firewall backend to use (nftables)",
    shown: '"nftables"',
  },
  { name: "fixed-cidr", type: "string", usage: "IPv4 subnet for the default bridge network" },
  { name: "fixed-cidr-v6", type: "string", usage: "IPv6 subnet for the default bridge network" },
  {
    name: "host-gateway-ip",
    key: "host-gateway-ips",
    type: "list",
    usage:
      "IP addresses that the special 'host-gateway' string in --add-host resolves to. Defaults to the IP addresses of the default bridge",
    take: takeOneAddress,
  },
  {
    name: "icc",
    type: "bool",
    usage: "Enable inter-container communication for the default bridge network",
    shown: "true",
  },
  {
    name: "ip",
    type: "string",
    usage: "Host IP for port publishing from the default bridge network",
    take: takeOneAddress,
  },
  { name: "ip-forward", type: "bool", usage: "Enable IP forwarding in system configuration", shown: "true" },
  {
    name: "ip-forward-no-drop",
    type: "bool",
    usage: "Do not set the filter-FORWARD policy to DROP when enabling IP forwarding",
  },
  {
    name: "ip-masq",
    type: "bool",
    usage: "Enable IP masquerading for the default bridge network",
    shown: "true",
  },
  { name: "ip6tables", type: "bool", usage: "Enable addition of firewall rules for IPv6", shown: "true" },
  { name: "iptables", type: "bool", usage: "Enable addition of firewall rules", shown: "true" },
  { name: "ipv6", type: "bool", usage: "Enable IPv6 networking for the default bridge network" },
  { name: "mtu", type: "int", usage: 'Set the MTU for the default "bridge" network', shown: "1500" },
  {
    name: "published-ports",
    type: "string",
    usage:
      "Where ports are published when nothing is said, and whether the host's firewall applies to them (default-address=127.0.0.1,respect-host-firewall)",
    take: (value) => {
      readPublishedPorts(value);
      return value;
    },
  },
  { name: "userland-proxy", type: "bool", usage: "Use userland proxy for loopback traffic", shown: "true" },
  { name: "userland-proxy-path", type: "string", usage: "Path to the userland proxy binary" },
];

/**
 * Reads the flags.
 * @throws command-failed in dockerd's words for values that are wrong or exclude each other
 */
export function networkOptions(flags: Flags): NetworkOptions {
  const named = (name: string): string | undefined => flags.string(name) || undefined;
  const firewall = flags.string("firewall-backend") ?? "nftables";
  if (firewall === "iptables") {
    throw commandFailed(
      "--firewall-backend iptables: the rules are nftables' own; hosts that use iptables-nft see them beside theirs",
    );
  }
  if (firewall !== "nftables") {
    throw commandFailed(
      `invalid value ${JSON.stringify(firewall)} for --firewall-backend: must be "nftables"`,
    );
  }
  const bridge = named("bridge");
  const bip = cidr("bip", 4, named("bip"));
  if (bridge !== undefined && bip !== undefined) {
    throw commandFailed("You specified -b & --bip, mutually exclusive options. Please specify only one");
  }
  const icc = flags.bool("icc", true);
  const iptables = flags.bool("iptables", true);
  if (!icc && !iptables) {
    throw commandFailed(
      "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. Please set --icc or --iptables to true",
    );
  }
  const mark = named("bridge-accept-fwmark");
  const published = named("published-ports");
  return {
    ...defined({
      bridge,
      bip,
      bip6: cidr("bip6", 6, named("bip6")),
      fixedCidr: subnet("fixed-cidr", 4, named("fixed-cidr")),
      fixedCidrV6: subnet("fixed-cidr-v6", 6, named("fixed-cidr-v6")),
      defaultGateway: address("default-gateway", 4, named("default-gateway")),
      defaultGatewayV6: address("default-gateway-v6", 6, named("default-gateway-v6")),
      defaultHostAddress: named("ip"),
      userlandProxyPath: proxyPath(flags),
      bridgeAcceptMark: mark === undefined ? undefined : readMark(mark),
    }),
    defaultAddressPools: flags.list("default-address-pool").map((text) => {
      const { Base: base, Size: size } = poolJson(parseDefaultPool(text));
      return { base, size };
    }),
    defaultNetworkOptions: optionsByDriver(flags.list("default-network-opt")),
    dns: flags.list("dns").flatMap((text) => text.split(",")),
    dnsOptions: flags.list("dns-opt"),
    dnsSearch: flags.list("dns-search"),
    hostGatewayAddresses: hostGateways(flags.list("host-gateway-ip")),
    interContainerCommunication: icc,
    ipForward: flags.bool("ip-forward", true),
    ipForwardNoDrop: flags.bool("ip-forward-no-drop"),
    ipMasquerade: flags.bool("ip-masq", true),
    iptables,
    ip6tables: flags.bool("ip6tables", true),
    ipv6: flags.bool("ipv6"),
    mtu: mtuOf(flags),
    userlandProxy: flags.bool("userland-proxy", true),
    allowDirectRouting: flags.bool("allow-direct-routing"),
    publishedPorts: published === undefined ? networkDefaults.publishedPorts : readPublishedPorts(published),
  };
}

function defined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

function cidr(flag: string, family: Family, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const found = parseCidr(text);
  if (found?.address.family !== family)
    throw commandFailed(`parse ${flag} failed: invalid CIDR address: ${text}`);
  return `${formatAddress(found.address)}/${found.prefix.length}`;
}

function subnet(flag: string, family: Family, text: string | undefined): string | undefined {
  const found = cidr(flag, family, text);
  const prefix = found === undefined ? undefined : parseCidr(found)?.prefix;
  return prefix === undefined ? undefined : formatPrefix(prefix);
}

function address(flag: string, family: Family, text: string | undefined): string | undefined {
  if (text === undefined || parseAddress(text)?.family === family) return text;
  throw commandFailed(`invalid value ${JSON.stringify(text)} for --${flag}: not an IPv${family} address`);
}

function takeOneAddress(text: string): string {
  return formatAddress(readAddress(text));
}

function readAddress(text: string): Address {
  const found = parseAddress(text.trim());
  if (found === undefined) throw wrong(`failed to parse IP: ${JSON.stringify(text)}`);
  return found;
}

function takeServers(text: string): string {
  return text
    .split(",")
    .map((word) => {
      const server = parseAddress(word.trim());
      if (server === undefined) throw wrong(`invalid string being converted to IP address: ${word}`);
      return formatAddress(server);
    })
    .join(",");
}

/** `bridge=com.docker.network.driver.mtu=1400` */
function readNetworkOption(text: string): readonly [string, string, string] {
  const [driver, rest] = cut(text, "=");
  const [option, value] = cut(rest, "=");
  if (rest.includes("=") && driver !== "" && option !== "") return [driver, option, value];
  throw wrong(`invalid value ${JSON.stringify(text)} for map option, should be root-key=key=value`);
}

function optionsByDriver(words: readonly string[]): NetworkOptions["defaultNetworkOptions"] {
  const drivers: Record<string, Record<string, string>> = {};
  for (const [driver, option, value] of words.map(readNetworkOption))
    (drivers[driver] ??= {})[option] = value;
  return drivers;
}

function hostGateways(texts: readonly string[]): readonly string[] {
  for (const family of [4, 6]) {
    if (texts.filter((text) => parseAddress(text)?.family === family).length > 1) {
      throw commandFailed(`only one IPv${family} host gateway IP address can be specified`);
    }
  }
  return texts;
}

/** `0x1/0xff`, or a mark alone, of which every bit counts. */
function readMark(text: string): { mark: number; mask: number } {
  const [mark, mask] = text.split("/", 2);
  const number = (what: string, word: string): number => {
    const value = /^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(word) ? Number(word) : Number.NaN;
    if (value <= 0xff_ff_ff_ff) return value;
    throw wrong(`invalid firewall ${what} ${JSON.stringify(word)}: not a number of 32 bits`);
  };
  return {
    mark: number("mark", mark ?? ""),
    mask: mask === undefined ? 0xff_ff_ff_ff : number("mask", mask),
  };
}

function mtuOf(flags: Flags): number {
  const mtu = flags.int("mtu") ?? 0;
  if (mtu < 0) throw commandFailed(`invalid default MTU: ${mtu}`);
  return mtu === 0 ? networkDefaults.mtu : mtu;
}

/** `default-address=127.0.0.1,respect-host-firewall` */
function readPublishedPorts(text: string): NetworkOptions["publishedPorts"] {
  let published = networkDefaults.publishedPorts;
  for (const word of text.split(",")) {
    const [key, value] = cut(word, "=");
    if (key === "default-address") published = { ...published, defaultAddress: takeOneAddress(value) };
    else if (key !== "respect-host-firewall") throw wrong(`unexpected key '${key}' in '${word}'`);
    else if (/^(?:true|false)$/.test(word === key ? "true" : value)) {
      published = { ...published, respectHostFirewall: value !== "false" };
    } else
      throw wrong(
        `invalid value for respect-host-firewall: ${JSON.stringify(value)} is neither true nor false`,
      );
  }
  return published;
}

function proxyPath(flags: Flags): string | undefined {
  const path = flags.string("userland-proxy-path");
  if (path === undefined || !flags.bool("userland-proxy", true)) return path || undefined;
  if (path === "") {
    throw commandFailed(
      "invalid userland-proxy-path: userland-proxy is enabled, but userland-proxy-path is not set",
    );
  }
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    throw commandFailed(`invalid userland-proxy-path: ${messageOf(error)}`, error);
  }
  return path;
}

function wrong(message: string): Error {
  return failure("usage", { message });
}
