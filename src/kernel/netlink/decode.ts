/**
 * Links, addresses and routes from what the kernel answered to a dump.
 * @module
 */
import { addressText, macText } from "./addresses.ts";
import { IFLA, INFO, RTM_LINK, UP } from "./link.ts";
import { AttributeReader, parseMessages, type ReceivedMessage } from "./parse.ts";
import { IFA, RTA, RTM } from "./route.ts";

const IFINFOMSG = 16;
const IFADDRMSG = 8;
const RTMSG = 12;

/** A link that is there. */
export interface LinkState {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly up: boolean;
  /** Of a link with a hardware address. */
  readonly mac: string | undefined;
  /** `veth`, `bridge`; undefined: hardware, loopback. */
  readonly kind: string | undefined;
  /** The note that somebody left on it. */
  readonly alias: string | undefined;
  /** Index of the bridge that it is a port of. */
  readonly master: number | undefined;
  /** Index of the link below it, or of a veth's other end. */
  readonly parent: number | undefined;
}

/** An address that a link has. */
export interface AddressState {
  readonly index: number;
  /** `172.17.0.2/16` */
  readonly address: string;
}

/** A route that is there. */
export interface RouteState {
  /** `10.0.0.0/8`, `default` (of IPv4), `default6`. */
  readonly destination: string;
  readonly via: string | undefined;
  readonly index: number | undefined;
  readonly source: string | undefined;
  readonly metric: number | undefined;
  /** 254: main, 255: local. */
  readonly table: number;
  /** 1: unicast, 2: local, 3: broadcast. */
  readonly type: number;
}

function of(bytes: Uint8Array, type: number, size: number): ReceivedMessage[] {
  return parseMessages(bytes).filter((message) => message.type === type && message.payload.length >= size);
}

function viewOf({ payload }: ReceivedMessage): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

/** Every link in an answer to getLink or dumpLinks. */
export function decodeLinks(bytes: Uint8Array): LinkState[] {
  return of(bytes, RTM_LINK.NEW, IFINFOMSG).map((message) => {
    const view = viewOf(message);
    const attributes = new AttributeReader(message.payload, IFINFOMSG);
    const mac = attributes.bytes(IFLA.ADDRESS);
    return {
      index: view.getInt32(4, true),
      name: attributes.string(IFLA.IFNAME) ?? "",
      mtu: attributes.u32(IFLA.MTU) ?? 0,
      up: (view.getUint32(8, true) & UP) !== 0,
      mac: mac?.length === 6 ? macText(mac) : undefined,
      kind: attributes.nested(IFLA.LINKINFO)?.string(INFO.KIND),
      alias: attributes.string(IFLA.IFALIAS),
      master: attributes.u32(IFLA.MASTER),
      parent: attributes.u32(IFLA.LINK),
    };
  });
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : addressText(bytes);
}

/** Every address in an answer to dumpAddresses. */
export function decodeAddresses(bytes: Uint8Array): AddressState[] {
  return of(bytes, RTM.NEWADDR, IFADDRMSG).flatMap((message) => {
    const view = viewOf(message);
    const attributes = new AttributeReader(message.payload, IFADDRMSG);
    const address = textOf(attributes.bytes(IFA.LOCAL) ?? attributes.bytes(IFA.ADDRESS));
    if (address === undefined) return [];
    return [{ index: view.getUint32(4, true), address: `${address}/${view.getUint8(1)}` }];
  });
}

/** Every route in an answer to dumpRoutes. */
export function decodeRoutes(bytes: Uint8Array): RouteState[] {
  return of(bytes, RTM.NEWROUTE, RTMSG).map((message) => {
    const view = viewOf(message);
    const attributes = new AttributeReader(message.payload, RTMSG);
    const destination = textOf(attributes.bytes(RTA.DST));
    const length = view.getUint8(1);
    const none = view.getUint8(0) === 2 ? "default" : "default6";
    return {
      destination: destination === undefined ? none : `${destination}/${length}`,
      via: textOf(attributes.bytes(RTA.GATEWAY)),
      index: attributes.u32(RTA.OIF),
      source: textOf(attributes.bytes(RTA.PREFSRC)),
      metric: attributes.u32(RTA.PRIORITY),
      table: attributes.u32(RTA.TABLE) ?? view.getUint8(4),
      type: view.getUint8(7),
    };
  });
}
