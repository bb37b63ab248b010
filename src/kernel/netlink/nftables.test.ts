import { expect, test } from "bun:test";
import { addElements, encodeBatch, flushSet, type SetElement } from "./nftables.ts";
import { AttributeReader, parseMessages } from "./parse.ts";

const element: SetElement = {
  set: "any4",
  key: Uint8Array.of(6, 0, 0, 0, 0, 80, 0, 0),
  data: Uint8Array.of(172, 17, 0, 2, 0, 80, 0, 0),
  text: "tcp . 80 : 172.17.0.2 . 80",
};
const SUBSYSTEM = 10 << 8;

test("a batch begins, names its table and set, and commits", () => {
  const batch = encodeBatch(addElements("t", [element]));
  const [begin, add, commit] = parseMessages(batch.bytes);
  expect([begin?.type, add?.type, commit?.type]).toEqual([0x10, SUBSYSTEM | 12, 0x11]);
  // struct nfgenmsg: the subsystem in network order; the family inet.
  expect(begin?.payload).toEqual(Uint8Array.of(0, 0, 0, 10));
  expect(add?.payload.subarray(0, 4)).toEqual(Uint8Array.of(1, 0, 0, 0));
  const attributes = new AttributeReader(add?.payload ?? new Uint8Array(), 4);
  expect([attributes.string(1), attributes.string(2)]).toEqual(["t", "any4"]);
  const listed = attributes.nested(3)?.nested(1);
  expect(listed?.nested(1)?.bytes(1)).toEqual(element.key);
  expect(listed?.nested(2)?.bytes(1)).toEqual(element.data as Uint8Array);
  expect(batch.text).toBe(`[begin, add element inet t any4 { ${element.text} }, commit]`);
});

test("intervals are a last key, or an end of their own", () => {
  const whole = addElements("t", [
    { set: "a", key: Uint8Array.of(1), keyEnd: Uint8Array.of(9), text: "1-9" },
    { set: "b", key: Uint8Array.of(1), behind: Uint8Array.of(10), text: "1-9" },
    { set: "c", key: Uint8Array.of(1), behind: null, text: "1-255" },
  ]);
  const lists = parseMessages(encodeBatch(whole).bytes)
    .slice(1, 4)
    .map(({ payload }) =>
      new AttributeReader(payload, 4)
        .nested(3)
        ?.all(1)
        .map((one) => new AttributeReader(one)),
    );
  expect(lists.map((list) => list?.length)).toEqual([1, 2, 1]);
  expect(lists[0]?.[0]?.nested(10)?.bytes(1)).toEqual(Uint8Array.of(9));
  expect([lists[1]?.[1]?.nested(1)?.bytes(1), lists[1]?.[1]?.be32(3)]).toEqual([Uint8Array.of(10), 1]);
});

test("a verdict is a code, and a chain to go to", () => {
  const [, message] = parseMessages(
    encodeBatch(addElements("t", [{ set: "a", key: Uint8Array.of(1), data: { goto: "x" }, text: "" }])).bytes,
  );
  const verdict = new AttributeReader(message?.payload ?? new Uint8Array(), 4)
    .nested(3)
    ?.nested(1)
    ?.nested(2)
    ?.nested(2);
  expect([verdict?.be32(1), verdict?.string(2)]).toEqual([0xfffffffc, "x"]);
});

test("what is too much for one message is several in one batch", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    ...element,
    key: Uint8Array.of(6, 0, 0, 0, i >> 8, i, 0, 0),
  }));
  const messages = parseMessages(encodeBatch([flushSet("t", "any4"), ...addElements("t", many)]).bytes);
  const counts = messages
    .filter(({ type }) => type === (SUBSYSTEM | 12))
    .map(({ payload }) => new AttributeReader(payload, 4).nested(3)?.all(1).length ?? 0);
  expect(counts.length).toBeGreaterThan(1);
  expect(counts.reduce((sum, count) => sum + count)).toBe(many.length);
});
