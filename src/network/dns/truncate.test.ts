import { expect, test } from "bun:test";
import fc from "fast-check";
import { bits, decodeMessage, encodeMessage, type Message, type ResourceRecord } from "./codec.ts";
import { smallest, truncate } from "./truncate.ts";

const record = (name: string, size: number, type = 16): ResourceRecord => ({
  name,
  type,
  class: 1,
  ttl: 60,
  data: { kind: "opaque", bytes: new Uint8Array(size) },
});
const option: ResourceRecord = { ...record("", 0, 41), class: 1232 };

function message(parts: Partial<Message>): Uint8Array {
  const bytes = encodeMessage({
    id: 7,
    flags: bits.answer,
    questions: [{ name: "web", type: 16, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
    ...parts,
  });
  if (bytes === undefined) throw new RangeError("not encoded");
  return bytes;
}

function counts(bytes: Uint8Array): object {
  const found = decodeMessage(bytes);
  return {
    truncated: ((found?.flags ?? 0) & bits.truncated) !== 0,
    answers: found?.answers.length,
    authorities: found?.authorities.length,
    additionals: found?.additionals.map(({ type }) => type),
  };
}

test("what fits stays as it is", () => {
  const whole = message({ answers: [record("web", 10)] });
  expect(truncate(whole, smallest)).toBe(whole);
  expect(truncate(whole, whole.length)).toBe(whole);
});

test("records are cut behind the last whole one; OPT stays, other additionals go", () => {
  const answers = Array.from({ length: 10 }, () => record("web", 80));
  const long = message({
    answers,
    authorities: [record("ns", 10)],
    additionals: [record("x", 4, 1), option],
  });
  const cut = truncate(long, smallest);
  expect(cut.length).toBeLessThanOrEqual(smallest);
  expect(counts(cut)).toEqual({ truncated: true, answers: 5, authorities: 0, additionals: [41] });
});

test("authorities go before answers do", () => {
  const answers = [record("web", 100)];
  const long = message({ answers, authorities: [record("a", 300), record("b", 300)] });
  expect(counts(truncate(long, smallest))).toEqual({
    truncated: true,
    answers: 1,
    authorities: 1,
    additionals: [],
  });
});

test("with no room for its question, or one that can't be read, it is a header", () => {
  const whole = message({ answers: [record("web", 600)] });
  expect(counts(truncate(whole, 13))).toEqual({
    truncated: true,
    answers: 0,
    authorities: 0,
    additionals: [],
  });
  const broken = new Uint8Array(600);
  broken.set([0, 7, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xff]);
  const cut = truncate(broken, smallest);
  expect([...cut]).toEqual([0, 7, 0x82, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("whatever the message, what comes of it is readable and fits", () => {
  const sizes = fc.array(fc.nat({ max: 200 }), { maxLength: 12 });
  fc.assert(
    fc.property(sizes, sizes, fc.boolean(), fc.integer({ min: 60, max: 2000 }), (a, b, edns, limit) => {
      const answers = a.map((size) => record("web", size));
      const authorities = b.map((size) => record("other.web", size));
      const whole = message({ answers, authorities, additionals: edns ? [option] : [] });
      const cut = truncate(whole, limit);
      expect(cut.length).toBeLessThanOrEqual(Math.max(limit, 12));
      const found = decodeMessage(cut);
      expect(found?.id).toBe(7);
      expect(found?.answers).toEqual(decodeMessage(whole)?.answers.slice(0, found?.answers.length) ?? []);
      expect(found?.additionals.length).toBe(edns ? 1 : 0);
    }),
  );
});
