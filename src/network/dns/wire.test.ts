import { expect, test } from "bun:test";
import fc from "fast-check";
import { Reader, Writer } from "./wire.ts";

const label = (text: string): number[] => [text.length, ...Buffer.from(text, "latin1")];

function name(bytes: readonly number[], at = 0): { text: string; bad: boolean; at: number } {
  const reader = new Reader(Uint8Array.from(bytes), at);
  const text = reader.name();
  return { text, bad: reader.bad, at: reader.at };
}

test("the example of RFC 1035, section 4.1.4: names that share their ends", () => {
  const bytes = Buffer.alloc(100);
  bytes.set([...label("F"), ...label("ISI"), ...label("ARPA"), 0], 20);
  bytes.set([...label("FOO"), 0xc0, 20], 40);
  bytes.set([0xc0, 26], 64);
  expect([20, 40, 64, 92].map((at) => name([...bytes], at))).toEqual([
    { text: "F.ISI.ARPA", bad: false, at: 32 },
    { text: "FOO.F.ISI.ARPA", bad: false, at: 46 },
    { text: "ARPA", bad: false, at: 66 },
    { text: "", bad: false, at: 93 },
  ]);
});

test("dots and backslashes inside of a label are escaped", () => {
  expect(name([...label("a.b\\"), ...label("c"), 0]).text).toBe("a\\.b\\\\.c");
});

test("what leads nowhere, forward or round in circles is bad", () => {
  expect(name([0xc0, 0]).bad).toBe(true);
  expect(name([0xc0, 5, 0, 0, 0, 0]).bad).toBe(true);
  expect(name([...label("a"), 0xc0, 0], 0).bad).toBe(true);
  expect(name([0xc0, 2, 0xc0, 0], 2).bad).toBe(true);
  expect(name([0xc0]).bad).toBe(true);
  expect(name([3, 97]).bad).toBe(true);
  // 0x40 and 0x80 are no label types any more.
  expect(name([0x41, ...Buffer.alloc(70, 97), 0]).bad).toBe(true);
});

test("a name has 255 octets at most, a label 63", () => {
  const long = [...label("x".repeat(63)), ...label("x".repeat(63)), ...label("x".repeat(63))];
  expect(name([...long, ...label("x".repeat(61)), 0]).bad).toBe(false);
  expect(name([...long, ...label("x".repeat(62)), 0]).bad).toBe(true);
  const written = (text: string): Uint8Array | undefined => {
    const writer = new Writer();
    writer.name(text, false);
    return writer.finish();
  };
  const words = ["x".repeat(63), "x".repeat(63), "x".repeat(63)].join(".");
  expect(written(`${words}.${"x".repeat(61)}`)).toHaveLength(255);
  for (const wrong of [`${words}.${"x".repeat(62)}`, "x".repeat(64), "a..b", ".a", "a.", "ā", "a\\"])
    expect(written(wrong)).toBeUndefined();
});

test("after something bad there is nothing but zeros", () => {
  const reader = new Reader(Uint8Array.of(1, 2, 3));
  expect(reader.u16()).toBe(0x0102);
  expect([reader.u16(), reader.u32(), reader.take(1).length, reader.name(), reader.bad]).toEqual([
    0,
    0,
    0,
    "",
    true,
  ]);
  expect(new Reader(Uint8Array.of(0xff, 0xff, 0xff, 0xfe)).u32()).toBe(0xfffffffe);
});

test("numbers, lengths, and messages that are too long", () => {
  const writer = new Writer();
  writer.u32(0xfffefdfc);
  writer.sized(() => writer.put([7, 8, 9]));
  expect(Buffer.from(writer.finish() ?? []).toString("hex")).toBe("fffefdfc0003070809");
  for (const wrong of [-1, 0x10000, Number.NaN]) {
    const other = new Writer();
    other.u16(wrong);
    expect(other.finish()).toBeUndefined();
  }
  const full = new Writer();
  full.put(new Uint8Array(0xffff));
  expect(full.finish()).toHaveLength(0xffff);
  full.put([0]);
  expect(full.finish()).toBeUndefined();
});

test("names come back, compressed and not, and compressed ones are shorter", () => {
  const word = fc.string({
    unit: fc.constantFrom("a", "B", ".", "\\", "\u00ff", "-"),
    minLength: 1,
    maxLength: 6,
  });
  const text = fc
    .array(word, { maxLength: 4 })
    .map((words) => words.map((each) => each.replace(/[.\\]/g, "\\$&")).join("."));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), (names) => {
      const size = (compress: boolean): number => {
        const writer = new Writer();
        for (const each of names) writer.name(each, compress);
        const bytes = writer.finish();
        if (bytes === undefined) throw new RangeError("not written");
        const reader = new Reader(bytes);
        expect(names.map(() => reader.name())).toEqual(names);
        expect([reader.bad, reader.at]).toEqual([false, bytes.length]);
        return bytes.length;
      };
      expect(size(true)).toBeLessThanOrEqual(size(false));
    }),
  );
});

test("no bytes make a reader throw or run on", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat({ max: 90 }), (bytes, at) => {
      const reader = new Reader(bytes, at);
      const text = reader.name();
      if (reader.bad) expect(text).toBe("");
      else expect(reader.at).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
