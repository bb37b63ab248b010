/**
 * What a user asks for a container's place on a network: checked against the network, in Docker's words.
 * @module
 */
import { failure } from "../errors/mod.ts";
import {
  containsAddress,
  formatAddress,
  isMapped,
  parseAddress,
  parsePrefix,
  type Family,
} from "./ipam/addresses.ts";
import { throwJoined } from "./joined-errors.ts";
import { isPredefined } from "./request.ts";
import type { EndpointRequest, NetworkRecord } from "./types.ts";

/** Addresses that the user wants (Docker's EndpointIPAMConfig). */
export interface EndpointIpamBody {
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
  readonly LinkLocalIPs?: readonly string[] | null;
}

/** What the user says of it (Docker's EndpointSettings; what the engine says there is ignored). */
export interface EndpointConfigBody {
  readonly IPAMConfig?: EndpointIpamBody | null;
  readonly Links?: readonly string[] | null;
  readonly Aliases?: readonly string[] | null;
  readonly MacAddress?: string;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
  readonly GwPriority?: number;
  readonly NetworkID?: string;
}

/**
 * Reads what the user asks for on this network.
 * @throws invalid-parameter with everything that is wrong, in Docker's words
 */
export function readEndpointRequest(network: NetworkRecord, body: EndpointConfigBody): EndpointRequest {
  const { IPAMConfig, Links, Aliases, MacAddress = "", DriverOpts, GwPriority } = body;
  const { IPv4Address = "", IPv6Address = "", LinkLocalIPs } = IPAMConfig ?? {};
  const linkLocal = LinkLocalIPs ?? [];
  const aliases = Aliases ?? [];
  throwJoined("invalid endpoint settings", [
    ...predefinedProblems(network, IPv4Address + IPv6Address, aliases),
    ...(IPv4Address === "" || usable(4, IPv4Address) ? [] : [`invalid IPv4 address: ${IPv4Address}`]),
    ...(IPv6Address === "" || usable(6, IPv6Address) ? [] : [`invalid IPv6 address: ${IPv6Address}`]),
    ...linkLocal
      .filter((text) => !parseAddress(text))
      .map((text) => `invalid link-local IP address: ${text}`),
    ...subnetProblems(network, 4, IPv4Address),
    ...subnetProblems(network, 6, IPv6Address),
  ]);
  const mac = MacAddress === "" ? undefined : readMac(MacAddress);
  return {
    ...(IPv4Address === "" ? {} : { ipv4: canonical(IPv4Address) }),
    ...(IPv6Address === "" ? {} : { ipv6: canonical(IPv6Address) }),
    ...(linkLocal.length === 0 ? {} : { linkLocal: linkLocal.map(readLinkLocal) }),
    ...(Links === undefined || Links === null ? {} : { links: Links }),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(mac === undefined ? {} : { mac }),
    ...(DriverOpts === undefined || DriverOpts === null ? {} : { driverOptions: DriverOpts }),
    gatewayPriority: GwPriority ?? 0,
  };
}

function predefinedProblems({ name }: NetworkRecord, fixed: string, aliases: readonly string[]): string[] {
  if (!isPredefined(name)) return [];
  return [
    ...(fixed === "" ? [] : ["user specified IP address is supported on user defined networks only"]),
    ...(aliases.length === 0
      ? []
      : ["network-scoped alias is supported only for containers in user defined networks"]),
  ];
}

function usable(family: Family, text: string): boolean {
  const address = parseAddress(text);
  return address?.family === family && address.value !== 0n && !isMapped(address);
}

/** A fixed address must lie in a subnet that the user gave, so that the network stays the same when it is made again. */
function subnetProblems({ ipam, name }: NetworkRecord, family: Family, text: string): string[] {
  if (text === "") return [];
  const given = isPredefined(name) ? [] : ipam.pools.filter(({ automatic }) => automatic !== true);
  const subnets = given.flatMap(({ subnet }) => parsePrefix(subnet) ?? []).filter((p) => p.family === family);
  if (subnets.length === 0) {
    return [
      "user specified IP address is supported only when connecting to networks with user configured subnets",
    ];
  }
  const address = parseAddress(text);
  if (address !== undefined && subnets.some((subnet) => containsAddress(subnet, address))) return [];
  return [`no configured subnet or ip-range contain the IP address ${text}`];
}

function canonical(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text : formatAddress(address);
}

/** RFC 3927 and RFC 4291, section 2.5.6. */
const linkLocalPrefixes = ["169.254.0.0/16", "fe80::/10"].flatMap((text) => parsePrefix(text) ?? []);

function readLinkLocal(text: string): string {
  const address = parseAddress(text);
  if (address !== undefined && linkLocalPrefixes.some((prefix) => containsAddress(prefix, address))) {
    return formatAddress(address);
  }
  throw failure("invalid-parameter", { message: `invalid link local IP address: ${text}` });
}

/**
 * A MAC address in a form that Go's net.ParseMAC reads, as `02:42:ac:11:00:02`.
 * @throws invalid-parameter `invalid MAC address x`, also for addresses of groups, which no interface can have
 */
export function readMac(text: string): string {
  const form =
    /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$|^(?:[0-9a-f]{2}-){5}[0-9a-f]{2}$|^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/i;
  const digits = text.toLowerCase().replaceAll(/[:.-]/g, "");
  const group = (Number.parseInt(digits.slice(0, 2), 16) & 1) === 1;
  if (form.test(text) && !group && !/^0+$/.test(digits)) {
    return Array.from({ length: 6 }, (_, i) => digits.slice(2 * i, 2 * i + 2)).join(":");
  }
  throw failure("invalid-parameter", { message: `invalid MAC address ${text}` });
}

/** A random MAC address of the kind that nobody assigned (IEEE 802, the second bit): from six random bytes. */
export function localMac(random: Uint8Array): string {
  const bytes = [...random.subarray(0, 6)];
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
