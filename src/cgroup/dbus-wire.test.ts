import { expect, test } from "bun:test";
import { decodeMessage, encodeMessage, firstType, messageLength, type BusMessage } from "./dbus-wire.ts";

const call: BusMessage = {
  type: "call",
  serial: 7,
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member: "StartTransientUnit",
  signature: "ssa(sv)a(sa(sv))",
  body: [
    "x.scope",
    "fail",
    [
      ["PIDs", { signature: "au", value: [1, 4_294_967_295] }],
      ["Delegate", { signature: "b", value: true }],
      ["MemoryMax", { signature: "t", value: 2n ** 64n - 1n }],
    ],
    [],
  ],
};

test("a message is as the specification says: header, aligned fields, body at a multiple of eight", () => {
  const hello: BusMessage = { type: "call", serial: 1, path: "/o", member: "Hello", body: [] };
  const expected = `
    6c010001 00000000 01000000 1e000000
    01016f00 02000000 2f6f0000 00000000
    03017300 05000000 48656c6c 6f000000`;
  expect(encodeMessage(hello).toString("hex")).toBe(expected.replaceAll(/\s/g, ""));
});

test("what is written reads back, whatever its types", () => {
  expect(decodeMessage(encodeMessage(call))).toEqual(call);
  const signal: BusMessage = {
    type: "signal",
    serial: 1,
    path: "/",
    interface: "a.b",
    member: "M",
    signature: "ynqixtgoa{sv}(ub)",
    body: [255, -2, 65_535, -5, -7n, 9n, "a{sv}", "/o", [["k", { signature: "s", value: "ü" }]], [3, false]],
  };
  expect(decodeMessage(encodeMessage(signal))).toEqual(signal);
});

test("the length of a message is known from its first sixteen bytes", () => {
  const bytes = encodeMessage(call);
  expect(messageLength(bytes.subarray(0, 15))).toBeUndefined();
  expect(messageLength(bytes.subarray(0, 16))).toBe(bytes.length);
});

test("signatures fall apart into complete types", () => {
  expect(firstType("a{s(iv)}u")).toBe("a{s(iv)}");
  expect(firstType("aas")).toBe("aas");
});

test.each(["a", "()", "(s", "z", "a()"])("the signature %p is refused", (signature) => {
  expect(() => encodeMessage({ ...call, signature, body: [["x"]] })).toThrow("D-Bus");
});

test("values that don't fit their types are refused", () => {
  expect(() => encodeMessage({ ...call, signature: "u", body: ["x"] })).toThrow("a string as u");
  expect(() => encodeMessage({ ...call, signature: "s", body: [1] })).toThrow("a number as s");
  expect(() => encodeMessage({ ...call, signature: "s", body: [] })).toThrow("0 values as s");
});

test("a message that lies about its lengths is refused, however it was cut or changed", () => {
  const bytes = encodeMessage(call);
  for (let length = 16; length < bytes.length; length++) {
    expect(() => decodeMessage(bytes.subarray(0, length))).toThrow();
  }
  const long = Buffer.from(bytes);
  long.writeUInt32LE(0x7fff_ffff, 4);
  expect(() => messageLength(long)).toThrow("too long");
  for (let at = 16; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = 0xff;
    // It reads as something else or is refused, but it ends.
    try {
      decodeMessage(changed);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  }
});
