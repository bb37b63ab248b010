import { describe, expect, test } from "bun:test";
import { ProgramBuilder } from "../program.ts";
import { delLink, dumpLinks, getLink, newLink, setLink, type LinkKind } from "./link.ts";
import { encodeMessages, type Message } from "./message.ts";

/** The message in hexadecimal without its length, flags and number, by words of four bytes. */
function hex(message: Message): string {
  return Buffer.from(encodeMessages([message]).bytes.subarray(16))
    .toString("hex")
    .replaceAll(/.{8}(?=.)/g, "$& ");
}

const empty = "00000000 00000000 00000000 00000000";

/** IFLA_LINKINFO with this kind's data in hexadecimal, of a link x0. */
function linkInfo(kind: LinkKind): string {
  return hex(newLink(kind, { name: "x0" })).replace(`${empty} 07000300 78300000 `, "");
}

describe("a new link", () => {
  test("is made only if there is none, with what is asked for", () => {
    const message = newLink(
      { kind: "dummy" },
      { name: "dm-1", index: 7, mac: "02:42:ac:11:00:02", mtu: 1400, up: true },
    );
    expect([message.type, message.flags]).toEqual([16, 0x600]);
    expect(hex(message)).toBe(
      "00000000 07000000 01000000 01000000" +
        " 09000300 646d2d31 00000000" +
        " 0a000100 0242ac11 00020000" +
        " 08000400 78050000" +
        " 10001280 0a000100 64756d6d 79000000",
    );
    expect(message.text).toBe("RTM_NEWLINK{dm-1, dummy, index=7, mac=02:42:ac:11:00:02, mtu=1400, up}");
  });

  test("is a veth pair with one end born in a namespace that the program makes", () => {
    const b = new ProgramBuilder();
    const pid = b.call("fork", "getpid", []);
    const message = newLink(
      { kind: "veth", peer: { name: "veth1a2" } },
      { name: "eth0", index: 2, namespace: { pid: { ...pid, name: "init" } } },
    );
    expect(hex(message)).toBe(
      "00000000 02000000 00000000 00000000" +
        " 09000300 65746830 00000000" +
        " 08001300 00000000" +
        // LINKINFO { KIND veth, DATA { PEER { ifinfomsg, IFNAME } } }
        ` 34001280 09000100 76657468 00000000 24000280 20000100 ${empty} 0c000300 76657468 31613200`,
    );
    const { patches } = encodeMessages([message]);
    expect(patches).toEqual([{ offset: 16 + 16 + 12 + 4, width: 4, value: { ...pid, name: "init" } }]);
    expect(message.text).toBe("RTM_NEWLINK{eth0, veth, peer={veth1a2}, index=2, in ns of $init}");
  });

  test("has as many queues as are asked for", () => {
    const message = newLink({ kind: "dummy" }, { queues: 1 });
    expect(hex(message)).toBe(
      `${empty} 08001f00 01000000 08002000 01000000 10001280 0a000100 64756d6d 79000000`,
    );
    expect(message.text).toBe("RTM_NEWLINK{dummy, queues=1}");
  });

  test("has its namespace by descriptor too", () => {
    const b = new ProgramBuilder();
    const slot = b.slot("sandbox");
    const { patches } = encodeMessages([newLink({ kind: "dummy" }, { namespace: { descriptor: slot } })]);
    expect(patches).toEqual([{ offset: 16 + 16 + 4, width: 4, value: slot }]);
  });

  test("is a bridge, with only those settings that are given", () => {
    expect(linkInfo({ kind: "bridge" })).toBe("10001280 0b000100 62726964 67650000");
    expect(linkInfo({ kind: "bridge", stp: false, forwardDelay: 0, multicastSnooping: true })).toBe(
      "2c001280 0b000100 62726964 67650000 1c000280 08000500 00000000 08000100 00000000 05001700 01000000",
    );
  });

  test.each([
    ["private", 1],
    ["vepa", 2],
    ["bridge", 4],
    ["passthru", 8],
  ] as const)("is a macvlan in mode %s, number %d", (mode, number) => {
    expect(linkInfo({ kind: "macvlan", parent: 3, mode })).toBe(
      `08000500 03000000 1c001280 0c000100 6d616376 6c616e00 0c000280 08000100 0${number}000000`,
    );
  });

  test.each([
    ["l2", "bridge", "0000", "0000"],
    ["l3", "private", "0100", "0100"],
    ["l3s", "vepa", "0200", "0200"],
  ] as const)("is an ipvlan in mode %s, %s", (mode, flag, modeHex, flagHex) => {
    expect(linkInfo({ kind: "ipvlan", parent: 3, mode, flag })).toBe(
      `08000500 03000000 24001280 0b000100 6970766c 616e0000 14000280 06000100 ${modeHex}0000 06000200 ${flagHex}0000`,
    );
  });

  test("is a VLAN of a parent", () => {
    expect(linkInfo({ kind: "vlan", parent: 3, id: 10 })).toBe(
      "08000500 03000000 1c001280 09000100 766c616e 00000000 0c000280 06000100 0a000000",
    );
  });

  test("is a VXLAN with its port in network order", () => {
    expect(linkInfo({ kind: "vxlan", id: 4097, port: 4789, local: "10.0.0.1", learning: false })).toBe(
      "34001280 0a000100 76786c61 6e000000 24000280 08000100 01100000 08000400 0a000001 05000700 00000000 06000f00 12b50000",
    );
  });
});

describe("a link that is there", () => {
  test("is changed by name: made a port, started", () => {
    const message = setLink({ name: "veth1" }, { master: 4, up: true });
    expect([message.type, message.flags]).toEqual([16, 0]);
    expect(hex(message)).toBe(
      "00000000 00000000 01000000 01000000 0a000300 76657468 31000000 08000a00 04000000",
    );
    expect(message.text).toBe("RTM_NEWLINK{veth1, master=4, up}");
  });

  test("is stopped, renamed, by index; the flags stay if nothing is said", () => {
    expect(hex(setLink({ index: 5 }, { up: false }))).toBe("00000000 05000000 00000000 01000000");
    const renamed = setLink({ index: 5 }, { name: "eth1" });
    expect(hex(renamed)).toBe("00000000 05000000 00000000 00000000 09000300 65746831 00000000");
    expect(renamed.text).toBe("RTM_NEWLINK{index=5, name=eth1}");
  });

  test("is a port whose flags change", () => {
    const message = setLink({ index: 5 }, { port: { hairpin: true, isolated: false } });
    expect(hex(message)).toBe(
      "00000000 05000000 00000000 00000000" +
        " 24001280 0b000400 62726964 67650000 14000580 05000400 01000000 05002100 00000000",
    );
    expect(message.text).toBe("RTM_NEWLINK{index=5, hairpin=on, isolated=off}");
  });

  test("bears a note", () => {
    const message = setLink({ name: "br0" }, { alias: "caisson" });
    expect(hex(message)).toBe(`${empty} 08000300 62723000 0b001400 63616973 736f6e00`);
    expect(message.text).toBe('RTM_NEWLINK{br0, alias="caisson"}');
  });

  test("is removed, and asked for", () => {
    expect(delLink({ name: "br0" }).type).toBe(17);
    expect(hex(delLink({ name: "br0" }))).toBe(`${empty} 08000300 62723000`);
    expect(getLink({ index: 3 }).type).toBe(18);
    expect(dumpLinks().flags).toBe(0x300);
  });
});
