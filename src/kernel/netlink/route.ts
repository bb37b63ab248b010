/**
 * Addresses of links, routes, neighbours (rtnetlink(7)).
 * @module
 */
import { AF, addressBytes, familyOf, macBytes, parsePrefix, type Prefix } from "./addresses.ts";
import { binary, header, NLM_F, u32, type Message } from "./message.ts";

/** RTM_* of addresses, routes and neighbours. */
export const RTM = {
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
} as const;
/** IFA_* */
export const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, FLAGS: 8 } as const;
/** RTA_* */
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
/** RT_SCOPE_* */
export const SCOPE = { UNIVERSE: 0, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

const NDA = { DST: 1, LLADDR: 2 } as const;
const NODAD = 2;
const TABLE_MAIN = 254;
const PROTOCOL_BOOT = 3;
const UNICAST = 1;
const ONLINK = 4;
const NUD_REACHABLE = 0x02;
const NUD_PERMANENT = 0x80;
const NTF_SELF = 2;

/** An address of a link. */
export interface LinkAddress {
  /** The link's index. */
  readonly index: number;
  /** `172.17.0.2/16` */
  readonly address: string;
  /** IPv4: `172.17.255.255`. */
  readonly broadcast?: string;
  /** IPv6: usable at once, without asking whether somebody else has it. On by default: addresses are given out by us. */
  readonly detectDuplicates?: boolean;
}

/** The broadcast address of an IPv4 prefix: `172.17.255.255` of `172.17.0.2/16`. */
export function broadcastOf({ address, length }: Prefix): string {
  const [a = 0, b = 0, c = 0, d = 0] = addressBytes(address);
  const host = length === 0 ? 0xffffffff : length === 32 ? 0 : (1 << (32 - length)) - 1;
  const value = ((a << 24) | (b << 16) | (c << 8) | d | host) >>> 0;
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

function addressMessage(type: number, flags: number, name: string, link: LinkAddress): Message {
  const { address, length } = parsePrefix(link.address);
  const family = familyOf(address);
  const value = addressBytes(address);
  const nodad = family === AF.INET6 && link.detectDuplicates !== true;
  const shown = [
    link.address,
    `index=${link.index}`,
    ...(link.broadcast === undefined ? [] : [`broadcast=${link.broadcast}`]),
    ...(nodad && type === RTM.NEWADDR ? ["nodad"] : []),
  ];
  return {
    type,
    flags,
    header: header([1, family], [1, length], [1, nodad ? NODAD : 0], [1, SCOPE.UNIVERSE], [4, link.index]),
    attributes: [
      binary(IFA.LOCAL, value),
      binary(IFA.ADDRESS, value),
      link.broadcast === undefined ? undefined : binary(IFA.BROADCAST, addressBytes(link.broadcast)),
    ],
    text: `${name}{${shown.join(", ")}}`,
  };
}

/** RTM_NEWADDR; EEXIST if the link has it. */
export function newAddress(link: LinkAddress): Message {
  return addressMessage(RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, "RTM_NEWADDR", link);
}

/** RTM_DELADDR; EADDRNOTAVAIL if the link doesn't have it. */
export function delAddress(link: Pick<LinkAddress, "index" | "address">): Message {
  return addressMessage(RTM.DELADDR, 0, "RTM_DELADDR", link);
}

/** A route of the main table. */
export interface Route {
  /** `10.0.0.0/8`, `default` (of IPv4), `default6`. */
  readonly destination: string;
  readonly via?: string;
  /** The link's index. */
  readonly index?: number;
  /** The gateway is taken to be on the link, whatever its addresses say. */
  readonly onlink?: boolean;
  /** Source address of what is sent this way. */
  readonly source?: string;
  /** The smaller one wins. */
  readonly metric?: number;
}

function routeMessage(type: number, flags: number, name: string, route: Route): Message {
  const { destination, via, index, source, metric } = route;
  const isDefault = destination === "default" || destination === "default6";
  const prefix = isDefault ? undefined : parsePrefix(destination);
  const family =
    destination === "default6" ? AF.INET6 : prefix === undefined ? AF.INET : familyOf(prefix.address);
  const deleting = type === RTM.DELROUTE;
  // IPv6 has no scopes of routes; a deletion matches any.
  const scope = deleting
    ? SCOPE.NOWHERE
    : family === AF.INET && via === undefined
      ? SCOPE.LINK
      : SCOPE.UNIVERSE;
  const shown = [
    destination,
    ...(via === undefined ? [] : [`via ${via}`]),
    ...(index === undefined ? [] : [`index=${index}`]),
    ...(route.onlink === true ? ["onlink"] : []),
    ...(source === undefined ? [] : [`source=${source}`]),
    ...(metric === undefined ? [] : [`metric=${metric}`]),
  ];
  return {
    type,
    flags,
    header: header(
      [1, family],
      [1, prefix?.length ?? 0],
      [1, 0],
      [1, 0],
      [1, TABLE_MAIN],
      [1, deleting ? 0 : PROTOCOL_BOOT],
      [1, scope],
      [1, UNICAST],
      [4, route.onlink === true ? ONLINK : 0],
    ),
    attributes: [
      prefix === undefined ? undefined : binary(RTA.DST, addressBytes(prefix.address)),
      via === undefined ? undefined : binary(RTA.GATEWAY, addressBytes(via)),
      index === undefined ? undefined : u32(RTA.OIF, index),
      source === undefined ? undefined : binary(RTA.PREFSRC, addressBytes(source)),
      metric === undefined ? undefined : u32(RTA.PRIORITY, metric),
    ],
    text: `${name}{${shown.join(", ")}}`,
  };
}

/** RTM_NEWROUTE; EEXIST if there is one with this destination and metric. */
export function newRoute(route: Route): Message {
  return routeMessage(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, "RTM_NEWROUTE", route);
}

/** RTM_NEWROUTE that takes the place of one with this destination and metric. */
export function replaceRoute(route: Route): Message {
  return routeMessage(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, "RTM_NEWROUTE replace", route);
}

/** RTM_DELROUTE; ESRCH if there is none. */
export function delRoute(route: Route): Message {
  return routeMessage(RTM.DELROUTE, 0, "RTM_DELROUTE", route);
}

/** Who has an address: of a link's ARP or NDP table, or of a bridge's or VXLAN's forwarding table. */
export interface Neighbour {
  /** The link's index. */
  readonly index: number;
  readonly mac: string;
  /** The address that `mac` has; in a VXLAN's forwarding table the host behind which it is. */
  readonly address?: string;
  /** Known for now, and found anew when that is long ago; else for good. */
  readonly ages?: boolean;
  /** An entry of the forwarding table (AF_BRIDGE) of the link itself. */
  readonly forwarding?: boolean;
}

function neighbourMessage(type: number, flags: number, name: string, neighbour: Neighbour): Message {
  const { index, mac, address, forwarding } = neighbour;
  const family = forwarding === true ? AF.BRIDGE : address === undefined ? AF.UNSPEC : familyOf(address);
  return {
    type,
    flags,
    header: header(
      [1, family],
      [1, 0],
      [2, 0],
      [4, index],
      [2, neighbour.ages === true ? NUD_REACHABLE : NUD_PERMANENT],
      [1, forwarding === true ? NTF_SELF : 0],
      [1, 0],
    ),
    attributes: [
      address === undefined ? undefined : binary(NDA.DST, addressBytes(address)),
      binary(NDA.LLADDR, macBytes(mac)),
    ],
    text: `${name}{${mac}${address === undefined ? "" : ` at ${address}`}, index=${index}${forwarding === true ? ", fdb" : ""}}`,
  };
}

/** RTM_NEWNEIGH; an entry that is there is replaced. */
export function newNeighbour(neighbour: Neighbour): Message {
  return neighbourMessage(RTM.NEWNEIGH, NLM_F.CREATE | NLM_F.REPLACE, "RTM_NEWNEIGH", neighbour);
}

/** RTM_DELNEIGH; ENOENT if there is none. */
export function delNeighbour(neighbour: Neighbour): Message {
  return neighbourMessage(RTM.DELNEIGH, 0, "RTM_DELNEIGH", neighbour);
}

/** RTM_GETADDR of every address of every link. */
export function dumpAddresses(): Message {
  const front = header([1, AF.UNSPEC], [1, 0], [1, 0], [1, 0], [4, 0]);
  return { type: RTM.GETADDR, flags: NLM_F.DUMP, header: front, attributes: [], text: "RTM_GETADDR{all}" };
}

/** RTM_GETROUTE of every route of every table and family. */
export function dumpRoutes(): Message {
  const front = header([4, 0], [4, 0], [4, 0]);
  return { type: RTM.GETROUTE, flags: NLM_F.DUMP, header: front, attributes: [], text: "RTM_GETROUTE{all}" };
}
