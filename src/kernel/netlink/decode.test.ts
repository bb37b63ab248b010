import { expect, test } from "bun:test";
import { decodeAddresses, decodeLinks, decodeRoutes } from "./decode.ts";

const u16 = (value: number): number[] => [value & 0xff, value >> 8];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const padded = (bytes: readonly number[]): number[] => [
  ...bytes,
  ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0),
];
const attribute = (type: number, value: readonly number[]): number[] =>
  padded([...u16(value.length + 4), ...u16(type), ...value]);
const text = (value: string): number[] => [...Buffer.from(`${value}\0`)];

function message(type: number, payload: readonly number[]): number[] {
  return padded([...u32(payload.length + 16), ...u16(type), ...u16(2), ...u32(1), ...u32(0), ...payload]);
}

test("links: a veth's end on a bridge, and one without a hardware address", () => {
  // struct ifinfomsg: family, pad, type (1: Ethernet), index, flags (IFF_UP), change.
  const veth = [
    0,
    0,
    ...u16(1),
    ...u32(7),
    ...u32(0x1043),
    ...u32(0),
    ...attribute(3, text("veth1")),
    ...attribute(4, u32(1500)),
    ...attribute(1, [2, 0x42, 0xac, 0x11, 0, 2]),
    ...attribute(10, u32(3)),
    ...attribute(5, u32(8)),
    ...attribute(20, text("ours")),
    // Nested, with and without the flag that says so.
    ...attribute(18 | 0x8000, attribute(1, text("veth"))),
  ];
  const tunnel = [
    0,
    0,
    ...u16(768),
    ...u32(2),
    ...u32(0x80),
    ...u32(0),
    ...attribute(3, text("tunl0")),
    ...attribute(1, [0, 0, 0, 0]),
  ];
  const bytes = Uint8Array.from([...message(16, veth), ...message(16, tunnel), ...message(3, u32(0))]);
  expect(decodeLinks(bytes)).toEqual([
    {
      index: 7,
      name: "veth1",
      mtu: 1500,
      up: true,
      mac: "02:42:ac:11:00:02",
      kind: "veth",
      alias: "ours",
      master: 3,
      parent: 8,
    },
    {
      index: 2,
      name: "tunl0",
      mtu: 0,
      up: false,
      mac: undefined,
      kind: undefined,
      alias: undefined,
      master: undefined,
      parent: undefined,
    },
  ]);
});

test("addresses: of a point to point link its own, not the other's", () => {
  const four = [2, 24, 0, 0, ...u32(3), ...attribute(1, [10, 0, 0, 2]), ...attribute(2, [10, 0, 0, 1])];
  const six = [10, 64, 0, 0, ...u32(4), ...attribute(1, [0xfe, 0x80, ...Array<number>(13).fill(0), 1])];
  const none = [2, 8, 0, 0, ...u32(5)];
  const bytes = Uint8Array.from([four, six, none].flatMap((payload) => message(20, payload)));
  expect(decodeAddresses(bytes)).toEqual([
    { index: 3, address: "10.0.0.1/24" },
    { index: 4, address: "fe80::1/64" },
  ]);
});

test("routes: defaults of both families, tables above 255", () => {
  const header = (family: number, length: number, table: number, type: number): number[] => [
    family,
    length,
    0,
    0,
    table,
    3,
    0,
    type,
    ...u32(0),
  ];
  const routes = [
    [...header(2, 0, 254, 1), ...attribute(5, [172, 17, 0, 1]), ...attribute(4, u32(2))],
    [...header(10, 0, 254, 1), ...attribute(6, u32(1024))],
    [
      ...header(2, 16, 0, 2),
      ...attribute(1, [172, 17, 0, 0]),
      ...attribute(7, [172, 17, 0, 2]),
      ...attribute(15, u32(1000)),
    ],
  ];
  const bytes = Uint8Array.from(routes.flatMap((payload) => message(24, payload)));
  const nothing = { via: undefined, index: undefined, source: undefined, metric: undefined };
  expect(decodeRoutes(bytes)).toEqual([
    { ...nothing, destination: "default", via: "172.17.0.1", index: 2, table: 254, type: 1 },
    { ...nothing, destination: "default6", metric: 1024, table: 254, type: 1 },
    { ...nothing, destination: "172.17.0.0/16", source: "172.17.0.2", table: 1000, type: 2 },
  ]);
});

test("what is cut off is told of", () => {
  const bytes = Uint8Array.from(message(16, [...Array<number>(16).fill(0), ...attribute(3, text("eth0"))]));
  expect(() => decodeLinks(bytes.subarray(0, bytes.length - 1))).toThrow("netlink: a message is cut off");
});
