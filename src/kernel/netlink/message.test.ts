import { describe, expect, test } from "bun:test";
import { ProgramBuilder } from "../program.ts";
import {
  be16,
  be32,
  be64,
  binary,
  encodeMessages,
  header,
  nested,
  NLM_F,
  string,
  u16,
  u32,
  u64,
  u8,
  type Attributes,
  type Message,
} from "./message.ts";

function message(attributes: Attributes, front: Uint8Array = new Uint8Array(0)): Message {
  return { type: 0x1234, flags: NLM_F.ACK, header: front, attributes, text: "TEST{}" };
}

/** Bytes behind the header of the one message. */
function body(attributes: Attributes): string {
  return Buffer.from(encodeMessages([message(attributes)]).bytes.subarray(16)).toString("hex");
}

describe("a message", () => {
  test("has its length, type, flags with REQUEST, and a number", () => {
    const { bytes, text } = encodeMessages([message([], header([1, 7], [1, 0], [2, 0x0102]))]);
    expect(Buffer.from(bytes).toString("hex")).toBe("14000000341205000100000000000000" + "07000201");
    expect(text).toBe("TEST{}");
  });

  test("has a header padded to four bytes", () => {
    expect(encodeMessages([message([], Uint8Array.of(1, 2, 3, 4, 5))]).bytes).toHaveLength(24);
  });

  test("stands behind others in one datagram, numbered on", () => {
    const { bytes, text } = encodeMessages([message([u8(1, 9)]), message([])]);
    expect(Buffer.from(bytes).toString("hex")).toBe(
      "18000000341205000100000000000000" + "0500010009000000" + "10000000341205000200000000000000",
    );
    expect(text).toBe("[TEST{}, TEST{}]");
  });
});

describe("attributes", () => {
  test("are numbers in either order, without their padding in the length", () => {
    expect(body([u8(1, 0xfe)])).toBe("05000100fe000000");
    expect(body([u16(1, 0x0102)])).toBe("0600010002010000");
    expect(body([u32(1, 0xfffefdfc)])).toBe("08000100fcfdfeff");
    expect(body([u64(1, -2n)])).toBe("0c000100feffffffffffffff");
    expect(body([be16(1, 0x0102)])).toBe("0600010001020000");
    expect(body([be32(1, 0x01020304)])).toBe("0800010001020304");
    expect(body([be64(1, 0x0102030405060708n)])).toBe("0c0001000102030405060708");
  });

  test("are strings that end with NUL", () => {
    expect(body([string(3, "eth0")])).toBe("09000300" + "6574683000000000");
    expect(() => string(3, "a\0b")).toThrow("contains a NUL byte");
  });

  test("are left out when undefined", () => {
    expect(body([undefined, u8(1, 1), undefined])).toBe("0500010001000000");
  });

  test("nest, and say so, unless a structure stands in front", () => {
    expect(body([nested(2, [u8(1, 1), binary(3, Uint8Array.of(7))])])).toBe(
      "14000280" + "0500010001000000" + "0500030007000000",
    );
    expect(body([nested(2, [u8(1, 1)], Uint8Array.of(0xaa, 0xbb))])).toBe(
      "10000200" + "aabb0000" + "0500010001000000",
    );
  });

  test("too long for their length are refused", () => {
    expect(() => encodeMessages([message([binary(1, new Uint8Array(0xfffc))])])).toThrow("too long");
  });

  test("known when the program runs are patched in where they stand", () => {
    const b = new ProgramBuilder();
    const slot = b.slot("namespace");
    const pid = b.call("fork", "getpid", []);
    const { bytes, patches } = encodeMessages([
      message([u8(1, 1)]),
      message([nested(2, [u8(1, 1), u32(19, pid)]), u32(28, slot)]),
    ]);
    expect(patches).toEqual([
      { offset: 24 + 16 + 4 + 8 + 4, width: 4, value: pid },
      { offset: 24 + 16 + 4 + 8 + 8 + 4, width: 4, value: slot },
    ]);
    expect(bytes).toHaveLength(24 + 16 + 4 + 8 + 8 + 8);
  });
});
