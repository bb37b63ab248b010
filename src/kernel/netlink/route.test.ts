import { describe, expect, test } from "bun:test";
import { parsePrefix } from "./addresses.ts";
import { deleteConnections, dumpConnections } from "./conntrack.ts";
import { decodeBoundSockets, dumpBoundSockets } from "./diag.ts";
import { encodeMessages, type Message } from "./message.ts";
import {
  broadcastOf,
  delAddress,
  delNeighbour,
  delRoute,
  newAddress,
  newNeighbour,
  newRoute,
  replaceRoute,
} from "./route.ts";

/** The message in hexadecimal without its header, by words of four bytes. */
function hex(message: Message): string {
  return Buffer.from(encodeMessages([message]).bytes.subarray(16))
    .toString("hex")
    .replaceAll(/.{8}(?=.)/g, "$& ");
}

describe("addresses of links", () => {
  test("of IPv4 have a broadcast address", () => {
    const message = newAddress({ index: 2, address: "172.17.0.2/16", broadcast: "172.17.255.255" });
    expect([message.type, message.flags]).toEqual([20, 0x600]);
    expect(hex(message)).toBe("02100000 02000000 08000200 ac110002 08000100 ac110002 08000400 ac11ffff");
    expect(message.text).toBe("RTM_NEWADDR{172.17.0.2/16, index=2, broadcast=172.17.255.255}");
  });

  test("of IPv6 are usable at once unless duplicates shall be looked for", () => {
    const value = "fd000000 00000000 00000000 00000002";
    expect(hex(newAddress({ index: 2, address: "fd00::2/64" }))).toBe(
      `0a400200 02000000 14000200 ${value} 14000100 ${value}`,
    );
    expect(hex(newAddress({ index: 2, address: "fd00::2/64", detectDuplicates: true }))).toStartWith(
      "0a400000 ",
    );
  });

  test("go again", () => {
    const message = delAddress({ index: 2, address: "10.0.0.1/8" });
    expect([message.type, message.flags]).toEqual([21, 0]);
  });

  test.each([
    ["172.17.0.2/16", "172.17.255.255"],
    ["10.1.2.3/8", "10.255.255.255"],
    ["192.168.1.130/25", "192.168.1.255"],
    ["10.0.0.1/32", "10.0.0.1"],
    ["200.0.0.1/0", "255.255.255.255"],
  ])("of %s is broadcast to %s", (prefix, broadcast) => {
    expect(broadcastOf(parsePrefix(prefix))).toBe(broadcast);
  });
});

describe("routes", () => {
  test("go to a gateway", () => {
    const message = newRoute({ destination: "default", via: "172.17.0.1", index: 2 });
    expect([message.type, message.flags]).toEqual([24, 0x600]);
    expect(hex(message)).toBe("02000000 fe030001 00000000 08000500 ac110001 08000400 02000000");
    expect(message.text).toBe("RTM_NEWROUTE{default, via 172.17.0.1, index=2}");
    expect(hex(newRoute({ destination: "default6", via: "fd00::1" }))).toBe(
      "0a000000 fe030001 00000000 14000500 fd000000 00000000 00000000 00000001",
    );
  });

  test("go out by a link, in its scope, with a metric and a source", () => {
    expect(hex(newRoute({ destination: "10.1.0.0/16", index: 2, metric: 5, source: "10.1.0.9" }))).toBe(
      "02100000 fe03fd01 00000000 08000100 0a010000 08000400 02000000 08000700 0a010009 08000600 05000000",
    );
  });

  test("go to a gateway that is on the link without an address saying so", () => {
    expect(hex(newRoute({ destination: "default", via: "1.2.3.4", index: 2, onlink: true }))).toStartWith(
      "02000000 fe030001 04000000 ",
    );
  });

  test("take another's place, and are removed whatever their scope and origin", () => {
    expect(replaceRoute({ destination: "default", index: 2 }).flags).toBe(0x500);
    expect(delRoute({ destination: "default", index: 2 }).type).toBe(25);
    expect(hex(delRoute({ destination: "default", index: 2 }))).toBe(
      "02000000 fe00ff01 00000000 08000400 02000000",
    );
  });
});

describe("neighbours", () => {
  test("have an address", () => {
    const message = newNeighbour({ index: 3, mac: "02:42:ac:11:00:02", address: "172.17.0.2" });
    expect([message.type, message.flags]).toEqual([28, 0x500]);
    expect(hex(message)).toBe("02000000 03000000 80000000 08000100 ac110002 0a000200 0242ac11 00020000");
  });

  test("age if they shall", () => {
    const message = newNeighbour({ index: 3, mac: "02:42:ac:11:00:02", address: "172.17.0.2", ages: true });
    expect(hex(message)).toStartWith("02000000 03000000 02000000 ");
  });

  test("are behind a host, in a VXLAN's own table", () => {
    const message = delNeighbour({
      index: 3,
      mac: "02:42:ac:11:00:02",
      address: "10.0.0.7",
      forwarding: true,
    });
    expect(message.type).toBe(29);
    expect(hex(message)).toBe("07000000 03000000 80000200 08000100 0a000007 0a000200 0242ac11 00020000");
    expect(message.text).toBe("RTM_DELNEIGH{02:42:ac:11:00:02 at 10.0.0.7, index=3, fdb}");
  });
});

describe("connections that shall be forgotten", () => {
  test("were sent to a published port", () => {
    const message = deleteConnections({ protocol: "udp", destination: "10.0.0.1", destinationPort: 53 });
    expect([message.type, message.flags]).toEqual([0x102, 0]);
    expect(hex(message)).toBe(
      "02000000" +
        " 24000180 0c000180 08000200 0a000001 14000280 05000100 11000000 06000300 00350000" +
        " 14001980 08000100 2a000000 08000200 00000000",
    );
    expect(message.text).toBe("CT_DELETE{udp, to 10.0.0.1:53}");
  });

  test("are answered by a container", () => {
    expect(hex(deleteConnections({ replySource: "172.17.0.2" }))).toBe(
      "02000000" + " 10000280 0c000180 08000100 ac110002" + " 14001980 08000100 00000000 08000200 01000000",
    );
  });

  test("are not left to a kernel that would forget others", () => {
    for (const filter of [
      { replySource: "fd00::2" },
      { destination: "fd00::2" },
      { protocol: "sctp" } as const,
    ]) {
      expect(() => deleteConnections(filter)).toThrow("the kernel can't choose connections by");
    }
  });

  test("are asked for by family and protocol", () => {
    const message = dumpConnections(6, "sctp");
    expect([message.type, message.flags]).toEqual([0x101, 0x300]);
    expect(hex(message)).toBe(
      "0a000000 10000180 0c000280 05000100 84000000 14001980 08000100 08000000 08000200 00000000",
    );
  });
});

describe("bound sockets", () => {
  test("are asked for by protocol and state", () => {
    const message = dumpBoundSockets("tcp", 4);
    expect([message.type, message.flags]).toEqual([20, 0x300]);
    expect(hex(message)).toStartWith("02060000 00040000 0000");
    expect(hex(dumpBoundSockets("udp", 6))).toStartWith("0a110000 80000000 0000");
    expect(encodeMessages([message]).bytes).toHaveLength(16 + 56);
  });

  test("are those of a range of ports", () => {
    const reply = (family: number, port: number, address: string): Message => {
      const header = new Uint8Array(72);
      header.set([family, 10, 0, 0, port >>> 8, port & 255, 0, 0, ...Buffer.from(address, "hex")]);
      return { type: 20, flags: 2, header, attributes: [], text: "" };
    };
    const { bytes } = encodeMessages([
      reply(2, 80, "0a000001"),
      reply(10, 8080, "00000000000000000000000000000001"),
      reply(2, 8081, "00000000"),
    ]);
    expect(decodeBoundSockets(bytes)).toHaveLength(3);
    expect(decodeBoundSockets(bytes, 8080, 2)).toEqual([
      { address: "::1", port: 8080, both: false },
      { address: "0.0.0.0", port: 8081, both: false },
    ]);
    expect(decodeBoundSockets(bytes, 81, 7999)).toEqual([]);
  });
});
