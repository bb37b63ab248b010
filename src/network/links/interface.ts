/**
 * A container's interface, from the inside: addresses, sysctls, start, routes. The same for every driver.
 * @module
 */
import { writeProc, type ProgramBuilder, type Slot } from "../../kernel/mod.ts";
import {
  addressBytes,
  broadcastOf,
  encodeMessages,
  netlink,
  newAddress,
  newRoute,
  parsePrefix,
  setLink,
  type Message,
} from "../../kernel/netlink/mod.ts";
import type { Endpoint, IpamPool, NetworkRecord } from "../types.ts";
import { sysctlOf } from "./sysctls.ts";

/** How default routes leave; undefined: there is none of that family. */
export interface Exits {
  readonly ipv4?: { readonly via?: string };
  readonly ipv6?: { readonly via?: string };
}

/** The network's subnet of a family that `address` is from. */
export function poolOf({ ipam }: NetworkRecord, address: string): IpamPool | undefined {
  const isIPv6 = address.includes(":");
  const pools = ipam.pools.filter(({ subnet }) => subnet.includes(":") === isIPv6);
  return pools.length < 2 ? pools[0] : pools.find(({ subnet }) => isWithin(address, subnet));
}

function isWithin(address: string, subnet: string): boolean {
  const [prefix = "", length = "0"] = subnet.split("/");
  const bits = Number(length);
  const a = addressBytes(address);
  const b = addressBytes(prefix);
  return a.every((byte, i) => {
    const counted = Math.max(0, Math.min(8, bits - i * 8));
    return ((byte ^ (b[i] ?? 0)) & (0xff00 >> counted) & 0xff) === 0;
  });
}

/** Where containers send what leaves a subnet; a gateway of their own takes the place of the bridge's. */
export function gatewayOf(network: NetworkRecord, address: string): string | undefined {
  const pool = poolOf(network, address);
  const own = address.includes(":") ? "DefaultGatewayIPv6" : "DefaultGatewayIPv4";
  return pool?.auxiliary?.[own] ?? pool?.gateway;
}

/** Bits of the subnet that an endpoint's address is in. */
export function prefixLength(network: NetworkRecord, { foreign }: Endpoint, address: string): number {
  const isIPv6 = address.includes(":");
  const own = isIPv6 ? foreign?.prefix6 : foreign?.prefix4;
  const length = own ?? poolOf(network, address)?.subnet.split("/")[1];
  return Number(length ?? (isIPv6 ? 128 : 32));
}

/** The default routes of an endpoint by way of the network's gateways. */
export function exitsByGateway(network: NetworkRecord, { ipv4, ipv6, gateway4, gateway6 }: Endpoint): Exits {
  const exit = (address: string | undefined, wanted: boolean): { via: string } | undefined => {
    const via = address === undefined || !wanted ? undefined : gatewayOf(network, address);
    return via === undefined ? undefined : { via };
  };
  return { ipv4: exit(ipv4, gateway4), ipv6: exit(ipv6, gateway6) };
}

function addressMessages(network: NetworkRecord, endpoint: Endpoint): Message[] {
  const { ipv4, ipv6, linkLocal = [], interfaceIndex: index } = endpoint;
  const own = [ipv4, ipv6].flatMap((address) =>
    address === undefined ? [] : [`${address}/${prefixLength(network, endpoint, address)}`],
  );
  const near = linkLocal.map((address) => `${address}/${address.includes(":") ? 64 : 16}`);
  return [...own, ...near].map((address) =>
    newAddress(
      address.includes(":")
        ? { index, address }
        : { index, address, broadcast: broadcastOf(parsePrefix(address)) },
    ),
  );
}

function routeMessages(index: number, { ipv4, ipv6 }: Exits): Message[] {
  return [
    ...(ipv4 === undefined ? [] : [newRoute({ destination: "default", index, ...ipv4 })]),
    ...(ipv6 === undefined ? [] : [newRoute({ destination: "default6", index, ...ipv6 })]),
  ];
}

/** Adds what gives the interface its addresses and starts it. The link's index and name are the endpoint's. */
export function configureInterface(
  b: ProgramBuilder,
  network: NetworkRecord,
  endpoint: Endpoint,
  exits: Exits,
  socket: Slot,
): void {
  const { interface: name, interfaceIndex: index, ipv4, ipv6, sysctls = [] } = endpoint;
  const own = (family: 4 | 6, key: string, value: string): void => {
    const path = `/proc/sys/net/ipv${family}/conf/${name}/${key}`;
    writeProc(b, `set net.ipv${family}.conf.${name}.${key}=${value}`, path, value, { tolerate: ["ENOENT"] });
  };
  own(6, "disable_ipv6", ipv6 === undefined ? "1" : "0");
  // Neighbours that knew somebody else by these addresses learn of the new one, if the way to them is open at once.
  if (ipv4 !== undefined) own(4, "arp_notify", "1");
  if (ipv6 !== undefined) own(6, "ndisc_notify", "1");
  for (const sysctl of sysctls) {
    const { path, value, shown } = sysctlOf(sysctl, name);
    writeProc(b, `set ${shown}`, path, value);
  }
  const messages = [
    ...addressMessages(network, endpoint),
    setLink({ index }, { up: true }),
    ...routeMessages(index, exits),
  ];
  netlink(b, `configure ${name}`, socket, encodeMessages(messages));
}
