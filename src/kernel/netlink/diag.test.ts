import { expect, test } from "bun:test";
import { decodeBoundSockets, dumpBoundSockets } from "./diag.ts";
import { encodeMessages } from "./message.ts";

/** struct inet_diag_msg in a message: the local port and address, in network order. */
function reply(family: number, port: number, address: readonly number[], size = 72): Uint8Array {
  const bytes = new Uint8Array(16 + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, 20, true);
  bytes[16] = family;
  view.setUint16(16 + 4, port);
  bytes.set(address.slice(0, size - 8), 16 + 8);
  return bytes;
}

test("asks for sockets that listen; of UDP for those that are bound and not connected", () => {
  const states = (protocol: "tcp" | "udp" | "sctp", family: 4 | 6): unknown[] => {
    const { bytes } = encodeMessages([dumpBoundSockets(protocol, family)]);
    return [
      bytes[16],
      bytes[17],
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(20, true),
      bytes.length,
    ];
  };
  expect(states("tcp", 4)).toEqual([2, 6, 1 << 10, 72]);
  expect(states("udp", 6)).toEqual([10, 17, 1 << 7, 72]);
  expect(states("sctp", 4)).toEqual([2, 132, 1 << 10, 72]);
});

test("sockets of the ports that are asked about", () => {
  const all = Buffer.concat([
    reply(2, 80, [0, 0, 0, 0]),
    reply(2, 8080, [127, 0, 0, 1]),
    reply(10, 443, [...Array<number>(15).fill(0), 1]),
    reply(2, 81, [0, 0, 0, 0], 8),
  ]);
  expect(decodeBoundSockets(all)).toEqual([
    { address: "0.0.0.0", port: 80, both: false },
    { address: "127.0.0.1", port: 8080, both: false },
    { address: "::1", port: 443, both: false },
  ]);
  expect(decodeBoundSockets(all, 80, 364).map(({ port }) => port)).toEqual([80, 443]);
  expect(decodeBoundSockets(all, 81, 362)).toEqual([]);
});

test("an IPv6 socket that takes IPv4 as well says so", () => {
  const attribute = (value: number): Uint8Array => Uint8Array.of(5, 0, 11, 0, value, 0, 0, 0);
  const socket = (value: number): Uint8Array => {
    const whole = Buffer.concat([reply(10, 80, Array<number>(16).fill(0)), attribute(value)]);
    whole.writeUInt32LE(whole.length, 0);
    return whole;
  };
  expect(decodeBoundSockets(socket(0))).toEqual([{ address: "::", port: 80, both: true }]);
  expect(decodeBoundSockets(socket(1))).toEqual([{ address: "::", port: 80, both: false }]);
});
