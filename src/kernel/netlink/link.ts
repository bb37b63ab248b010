/**
 * Links: making, changing, removing them (rtnetlink(7), linux/if_link.h).
 * @module
 */
import type { Result, Slot } from "../program.ts";
import { AF, addressBytes, macBytes } from "./addresses.ts";
import {
  be16,
  binary,
  header,
  nested,
  NLM_F,
  string,
  u16,
  u32,
  u8,
  type Attribute,
  type Attributes,
  type Message,
} from "./message.ts";

/** RTM_* of links. */
export const RTM_LINK = { NEW: 16, DEL: 17, GET: 18, SET: 19 } as const;

/** IFLA_* */
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  NET_NS_PID: 19,
  IFALIAS: 20,
  NET_NS_FD: 28,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  EXT_MASK: 29,
  NEW_IFINDEX: 49,
} as const;

/** IFLA_INFO_* in IFLA_LINKINFO. */
export const INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;

/** IFF_UP */
export const UP = 1;

const VETH_INFO_PEER = 1;
const BRIDGE = { FORWARD_DELAY: 1, STP_STATE: 5, MCAST_SNOOPING: 23 } as const;
const BRIDGE_PORT = { HAIRPIN: 4, ISOLATED: 33 } as const;
const VXLAN = { ID: 1, LOCAL: 4, LEARNING: 7, PORT: 15, LOCAL6: 17 } as const;
const MACVLAN_MODE = 1;
const IPVLAN_MODE = 1;
const IPVLAN_FLAGS = 2;
const VLAN_ID = 1;
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

export type MacvlanMode = "private" | "vepa" | "bridge" | "passthru";
export type IpvlanMode = "l2" | "l3" | "l3s";
export type IpvlanFlag = "bridge" | "private" | "vepa";

/** A network namespace: of a process, or open in a slot. */
export type NetworkNamespace = { readonly pid: Result | number } | { readonly descriptor: Slot };

/** What every link has. */
export interface LinkAttributes {
  readonly name?: string;
  /** Index that it shall have; else the kernel chooses. */
  readonly index?: number;
  /** `02:42:ac:11:00:02` */
  readonly mac?: string;
  readonly mtu?: number;
  /** Index of the bridge that it becomes a port of; 0: of none. */
  readonly master?: number;
  readonly up?: boolean;
  /** Of a new one: how many queues it has each way; else one for each processor. */
  readonly queues?: number;
  /** Where it is made, or moved to. Linux before 6.14 wants its name or index (if one is given, that) free here as well. */
  readonly namespace?: NetworkNamespace;
}

/** A kind of link with its settings. `parent` is a link's index. */
export type LinkKind =
  | { readonly kind: "dummy" }
  | {
      readonly kind: "veth";
      /** The other end; it is born with all of these but `master`, and with `index` only if the first end has one. */
      readonly peer: LinkAttributes;
    }
  | {
      readonly kind: "bridge";
      readonly stp?: boolean;
      /** Hundredths of a second. */
      readonly forwardDelay?: number;
      readonly multicastSnooping?: boolean;
    }
  | { readonly kind: "macvlan"; readonly parent: number; readonly mode: MacvlanMode }
  | {
      readonly kind: "ipvlan";
      readonly parent: number;
      readonly mode: IpvlanMode;
      readonly flag: IpvlanFlag;
    }
  | { readonly kind: "vlan"; readonly parent: number; readonly id: number }
  | {
      readonly kind: "vxlan";
      /** VNI, 24 bits. */
      readonly id: number;
      readonly port: number;
      readonly local?: string;
      readonly parent?: number;
      readonly learning?: boolean;
    };

/** Which link. */
export type LinkName = { readonly name: string } | { readonly index: number };

/** struct ifinfomsg; `up` undefined leaves the flags alone. */
function ifinfomsg(index: number, up?: boolean, family: number = AF.UNSPEC): Uint8Array {
  return header(
    [1, family],
    [1, 0],
    [2, 0],
    [4, index],
    [4, up === true ? UP : 0],
    [4, up === undefined ? 0 : UP],
  );
}

function namespaceAttribute(namespace: NetworkNamespace | undefined): Attribute | undefined {
  if (namespace === undefined) return undefined;
  if ("pid" in namespace) return u32(IFLA.NET_NS_PID, namespace.pid);
  return u32(IFLA.NET_NS_FD, namespace.descriptor);
}

function linkAttributes({ name, mac, mtu, master, queues, namespace }: LinkAttributes): Attributes {
  return [
    name === undefined ? undefined : string(IFLA.IFNAME, name),
    mac === undefined ? undefined : binary(IFLA.ADDRESS, macBytes(mac)),
    mtu === undefined ? undefined : u32(IFLA.MTU, mtu),
    master === undefined ? undefined : u32(IFLA.MASTER, master),
    queues === undefined ? undefined : u32(IFLA.NUM_TX_QUEUES, queues),
    queues === undefined ? undefined : u32(IFLA.NUM_RX_QUEUES, queues),
    namespaceAttribute(namespace),
  ];
}

function flag(type: number, value: boolean | undefined): Attribute | undefined {
  return value === undefined ? undefined : u8(type, value ? 1 : 0);
}

/** What goes into IFLA_INFO_DATA. */
function kindAttributes(kind: LinkKind): Attributes {
  switch (kind.kind) {
    case "dummy":
      return [];
    case "veth": {
      const { peer } = kind;
      return [nested(VETH_INFO_PEER, linkAttributes(peer), ifinfomsg(peer.index ?? 0, peer.up))];
    }
    case "bridge": {
      const { stp, forwardDelay } = kind;
      return [
        stp === undefined ? undefined : u32(BRIDGE.STP_STATE, stp ? 1 : 0),
        forwardDelay === undefined ? undefined : u32(BRIDGE.FORWARD_DELAY, forwardDelay),
        flag(BRIDGE.MCAST_SNOOPING, kind.multicastSnooping),
      ];
    }
    case "macvlan":
      return [u32(MACVLAN_MODE, macvlanModes[kind.mode])];
    case "ipvlan":
      return [u16(IPVLAN_MODE, ipvlanModes[kind.mode]), u16(IPVLAN_FLAGS, ipvlanFlags[kind.flag])];
    case "vlan":
      return [u16(VLAN_ID, kind.id)];
    case "vxlan": {
      const { id, port, local } = kind;
      const type = local?.includes(":") === true ? VXLAN.LOCAL6 : VXLAN.LOCAL;
      return [
        u32(VXLAN.ID, id),
        local === undefined ? undefined : binary(type, addressBytes(local)),
        flag(VXLAN.LEARNING, kind.learning),
        be16(VXLAN.PORT, port),
      ];
    }
  }
}

function parentOf(kind: LinkKind): number | undefined {
  return "parent" in kind ? kind.parent : undefined;
}

function namespaceText(namespace: NetworkNamespace): string {
  if ("descriptor" in namespace) return `in <${namespace.descriptor.name}>`;
  return `in ns of ${typeof namespace.pid === "number" ? namespace.pid : `$${namespace.pid.name}`}`;
}

/** `master=4, up`: what is set, without the name. */
function settingsText({ index, mac, mtu, master, up, queues, namespace }: LinkAttributes): string[] {
  return [
    index === undefined ? "" : `index=${index}`,
    mac === undefined ? "" : `mac=${mac}`,
    mtu === undefined ? "" : `mtu=${mtu}`,
    master === undefined ? "" : `master=${master}`,
    up === undefined ? "" : up ? "up" : "down",
    queues === undefined ? "" : `queues=${queues}`,
    namespace === undefined ? "" : namespaceText(namespace),
  ].filter((part) => part !== "");
}

function kindText(kind: LinkKind): string {
  switch (kind.kind) {
    case "veth":
      return `veth, peer={${[kind.peer.name ?? "", ...settingsText(kind.peer)].filter((part) => part !== "").join(", ")}}`;
    case "macvlan":
      return `macvlan ${kind.mode} of ${kind.parent}`;
    case "ipvlan":
      return `ipvlan ${kind.mode} ${kind.flag} of ${kind.parent}`;
    case "vlan":
      return `vlan ${kind.id} of ${kind.parent}`;
    case "vxlan":
      return `vxlan ${kind.id} port ${kind.port}`;
    default:
      return kind.kind;
  }
}

/** RTM_NEWLINK that makes a link; EEXIST if its name or index is taken. */
export function newLink(kind: LinkKind, link: LinkAttributes): Message {
  const data = kindAttributes(kind);
  const parent = parentOf(kind);
  return {
    type: RTM_LINK.NEW,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    header: ifinfomsg(link.index ?? 0, link.up),
    attributes: [
      ...linkAttributes(link),
      parent === undefined ? undefined : u32(IFLA.LINK, parent),
      nested(IFLA.LINKINFO, [
        string(INFO.KIND, kind.kind),
        data.every((attribute) => attribute === undefined) ? undefined : nested(INFO.DATA, data),
      ]),
    ],
    text: `RTM_NEWLINK{${[link.name ?? "", kindText(kind), ...settingsText(link)].filter((part) => part !== "").join(", ")}}`,
  };
}

function whichText(link: LinkName): string {
  return "name" in link ? link.name : `index=${link.index}`;
}

/** Header and name of a message about a link that is there. */
function about(link: LinkName, up?: boolean): { header: Uint8Array; name: Attribute | undefined } {
  if ("index" in link) return { header: ifinfomsg(link.index, up), name: undefined };
  return { header: ifinfomsg(0, up), name: string(IFLA.IFNAME, link.name) };
}

/** What {@link setLink} changes. */
export interface LinkChanges extends Omit<LinkAttributes, "name" | "index" | "queues"> {
  /** A new name: of a link chosen by index only. */
  readonly name?: string;
  /** A note that `ip link` shows, of at most 255 bytes. */
  readonly alias?: string;
  /** Index that it gets in the namespace to which it is moved (Linux 5.12). */
  readonly newIndex?: number;
  /** As a port of a bridge, which it is already. */
  readonly port?: BridgePortFlags;
}

/** How a bridge treats a port. */
export interface BridgePortFlags {
  /** What came in by the port may go out by it. */
  readonly hairpin?: boolean;
  /** Isolated ports don't hear each other. */
  readonly isolated?: boolean;
}

/** RTM_NEWLINK that changes a link; ENODEV if there is none. */
export function setLink(link: LinkName, changes: LinkChanges): Message {
  const { up, port, alias, newIndex, ...attributes } = changes;
  const { header: front, name } = about(link, up);
  const slave =
    port === undefined
      ? undefined
      : nested(IFLA.LINKINFO, [
          string(INFO.SLAVE_KIND, "bridge"),
          nested(INFO.SLAVE_DATA, [
            flag(BRIDGE_PORT.HAIRPIN, port.hairpin),
            flag(BRIDGE_PORT.ISOLATED, port.isolated),
          ]),
        ]);
  const portText = Object.entries(port ?? {}).map(
    ([key, value]) => `${key}=${value === true ? "on" : "off"}`,
  );
  const renamed = [
    ...(changes.name === undefined ? [] : [`name=${changes.name}`]),
    ...(alias === undefined ? [] : [`alias=${JSON.stringify(alias)}`]),
    ...(newIndex === undefined ? [] : [`index=${newIndex}`]),
  ];
  return {
    type: RTM_LINK.NEW,
    flags: 0,
    header: front,
    attributes: [
      name,
      ...linkAttributes(attributes),
      alias === undefined ? undefined : binary(IFLA.IFALIAS, new TextEncoder().encode(alias)),
      newIndex === undefined ? undefined : u32(IFLA.NEW_IFINDEX, newIndex),
      slave,
    ],
    text: `RTM_NEWLINK{${[whichText(link), ...renamed, ...settingsText(changes), ...portText].join(", ")}}`,
  };
}

/** RTM_DELLINK; ENODEV if there is none. */
export function delLink(link: LinkName): Message {
  const { header: front, name } = about(link);
  return {
    type: RTM_LINK.DEL,
    flags: 0,
    header: front,
    attributes: [name],
    text: `RTM_DELLINK{${whichText(link)}}`,
  };
}

/** RTM_GETLINK of one link; ENODEV if there is none. The answer is one message for decodeLinks. */
export function getLink(link: LinkName): Message {
  const { header: front, name } = about(link);
  return {
    type: RTM_LINK.GET,
    flags: 0,
    header: front,
    attributes: [name],
    text: `RTM_GETLINK{${whichText(link)}}`,
  };
}

/** RTM_GETLINK of every link. */
export function dumpLinks(): Message {
  return {
    type: RTM_LINK.GET,
    flags: NLM_F.DUMP,
    header: ifinfomsg(0),
    attributes: [],
    text: "RTM_GETLINK{all}",
  };
}
