import { expect, test } from "bun:test";
import fc from "fast-check";
import { addressText, tryAddressBytes as addressBytes } from "../../kernel/netlink/mod.ts";
import { reverseAddress } from "./reverse-name.ts";
import {
  decodeMessage,
  ednsOf,
  encodeMessage,
  optRecord,
  types,
  type Message,
  type ResourceRecord,
} from "./codec.ts";
import { truncate } from "./truncate.ts";

const label = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => String.fromCharCode(...bytes).replaceAll(/[.\\]/g, "\\$&"));
const name = fc.array(label, { maxLength: 6 }).map((labels) => labels.join("."));
const u16 = fc.integer({ min: 0, max: 0xffff });
const address = (length: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(addressText);
const opaque = fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ kind: "opaque", bytes }) as const);
const dataByType = fc.oneof(
  address(4).map((text) => ({ type: types.A as number, data: { kind: "address", address: text } as const })),
  address(16).map((text) => ({
    type: types.AAAA as number,
    data: { kind: "address", address: text } as const,
  })),
  fc.record({
    type: fc.constantFrom<number>(types.PTR, types.CNAME, types.NS),
    data: name.map((text) => ({ kind: "name", name: text }) as const),
  }),
  fc
    .record({ preference: u16, name })
    .map((data) => ({ type: types.MX as number, data: { kind: "mx", ...data } as const })),
  fc
    .record({ priority: u16, weight: u16, port: u16, name })
    .map((data) => ({ type: types.SRV as number, data: { kind: "srv", ...data } as const })),
  fc.record({ type: fc.constantFrom<number>(types.TXT, 65, 6, 999), data: opaque }),
);
const record: fc.Arbitrary<ResourceRecord> = fc
  .tuple(name, dataByType, u16, fc.integer({ min: 0, max: 0xffffffff }))
  .map(([owner, typed, kind, ttl]) => ({ name: owner, class: kind, ttl, ...typed }));
const message: fc.Arbitrary<Message> = fc.record({
  id: u16,
  flags: u16,
  questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 3 }),
  answers: fc.array(record, { maxLength: 6 }),
  authorities: fc.array(record, { maxLength: 3 }),
  additionals: fc.array(record, { maxLength: 3 }),
});

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each: unknown) => (each instanceof Uint8Array ? [...each] : each)));

function written(value: Message): Uint8Array {
  const bytes = encodeMessage(value);
  if (bytes === undefined) throw new Error("cannot be written");
  return bytes;
}

test("what is written is read again", () => {
  fc.assert(
    fc.property(message, (value) => {
      expect(plain(decodeMessage(written(value)))).toEqual(plain(value));
    }),
  );
});

test("a name that stands already is a pointer", () => {
  const question = { name: "web.example.org", type: types.A, class: 1 };
  const answer = (owner: string): ResourceRecord => ({
    ...question,
    name: owner,
    ttl: 1,
    data: { kind: "address", address: "10.0.0.1" },
  });
  const bytes = written({
    id: 1,
    flags: 0x8180,
    questions: [question],
    answers: [answer("web.example.org"), answer("db.example.org")],
    authorities: [],
    additionals: [],
  });
  // Header, question of 17 + 4, records of 2 + 14 and of 3 + 2 + 14.
  expect(bytes.length).toBe(12 + 21 + 16 + 19);
  expect(decodeMessage(bytes)?.answers.map((each) => each.name)).toEqual([
    "web.example.org",
    "db.example.org",
  ]);
});

test("any cut of a message is refused", () => {
  fc.assert(
    fc.property(message, fc.nat(), (value, at) => {
      const bytes = written(value);
      expect(decodeMessage(bytes.subarray(0, at % bytes.length))).toBeUndefined();
    }),
  );
});

test("any bytes are read or refused, and what was read can be written", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      message,
      fc.nat(),
      fc.nat({ max: 255 }),
      (noise, value, at, byte) => {
        const damaged = written(value);
        damaged[at % damaged.length] = byte;
        for (const bytes of [noise, damaged]) {
          const read = decodeMessage(bytes);
          if (read !== undefined)
            expect(plain(decodeMessage(encodeMessage(read) ?? bytes))).toEqual(plain(read));
          for (const limit of [512, 1232]) expect(truncate(bytes, limit).length).toBeLessThanOrEqual(limit);
        }
      },
    ),
  );
});

const header = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
const hostile: Readonly<Record<string, readonly number[]>> = {
  "a pointer to itself": [...header, 0xc0, 12, 0, 1, 0, 1],
  "two pointers to each other": [...header, 0xc0, 14, 0xc0, 12, 0, 1, 0, 1],
  "a pointer back into the labels before it": [...header, 1, 0x61, 0xc0, 12, 0, 1, 0, 1],
  "a pointer forward": [...header, 0xc0, 18, 0, 1, 0, 1, 0],
  "a pointer beyond the end": [...header, 0xff, 0xff, 0, 1, 0, 1],
  "half a pointer": [...header, 0xc0],
  "a label of a reserved kind": [...header, 0x41, 0x61, 0, 0, 1, 0, 1],
  "a name without an end": [...header, 1, 0x61],
  "a name of 256 octets": [
    ...header,
    ...Array.from({ length: 4 }, () => [62, ...Array.from({ length: 62 }, () => 0x61)]).flat(),
    2,
    0x61,
    0x61,
    0,
    0,
    1,
    0,
    1,
  ],
  "something behind the end": [...header, 0, 0, 1, 0, 1, 0],
  "an address of five octets": [
    0, 1, 0x81, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5,
  ],
  "an address that the end cuts": [
    0, 1, 0x81, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 28, 0, 1, 0, 0, 0, 0, 0, 2, 1, 2,
  ],
  "data shorter than its name": [
    0, 1, 0x81, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 12, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0x61, 0,
  ],
};
for (const [what, bytes] of Object.entries(hostile)) {
  test(`refused: ${what}`, () => expect(decodeMessage(Uint8Array.from(bytes))).toBeUndefined());
}

test("64 KiB of pointers and of counts are refused at once", () => {
  const pointers = new Uint8Array(0xffff).fill(0xc0);
  pointers.set([0, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  expect(decodeMessage(pointers)).toBeUndefined();
  // Each name is as long as names get, by a pointer to the one before it.
  const chain: number[] = [0, 1, 1, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1];
  for (let at = 12; chain.length < 0xfff0;) {
    const here = chain.length;
    chain.push(1, 0x61, 0xc0 | ((at >> 8) & 0x3f), at & 0xff, 0, 1, 0, 1);
    at = here < 0x3fff ? here : at;
  }
  expect(decodeMessage(Uint8Array.from(chain))).toBeUndefined();
});

test("what doesn't fit can't be written", () => {
  const asking = (asked: string): Message => ({
    id: 0,
    flags: 0,
    questions: [{ name: asked, type: 1, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
  });
  expect(encodeMessage(asking("a".repeat(63)))).toBeDefined();
  expect(encodeMessage(asking("a".repeat(64)))).toBeUndefined();
  expect(encodeMessage(asking("a..b"))).toBeUndefined();
  expect(encodeMessage(asking("ab.".repeat(90)))).toBeUndefined();
  expect(encodeMessage(asking("ω"))).toBeUndefined();
  const big = {
    name: "",
    type: 16,
    class: 1,
    ttl: 0,
    data: { kind: "opaque", bytes: new Uint8Array(40_000) },
  } as const;
  expect(encodeMessage({ ...asking(""), answers: [big, big] })).toBeUndefined();
  expect(
    encodeMessage({
      ...asking(""),
      answers: [{ ...big, type: 1, data: { kind: "address", address: "::1" } }],
    }),
  ).toBeUndefined();
});

test("EDNS says size, version and DNSSEC", () => {
  const value: Message = {
    id: 0,
    flags: 0,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [optRecord(1232, true, 1)],
  };
  const read = decodeMessage(written(value));
  expect(read === undefined ? read : ednsOf(read)).toEqual({ size: 1232, version: 0, dnssec: true });
});

test("truncated: what fits stays, with the OPT record and the bit", () => {
  const question = { name: "big.example", type: types.A, class: 1 };
  const answers = Array.from({ length: 100 }, (_, at): ResourceRecord => ({
    ...question,
    ttl: 1,
    data: { kind: "address", address: `10.0.0.${at}` },
  }));
  const whole = written({
    id: 7,
    flags: 0x8180,
    questions: [question],
    answers,
    authorities: [],
    additionals: [optRecord(4096, false)],
  });
  const short = decodeMessage(truncate(whole, 512));
  // (512 - header - question - OPT) / 16
  expect(short?.answers).toEqual(answers.slice(0, 29));
  expect(short?.flags).toBe(0x8380);
  expect(short?.additionals.map((each) => each.type)).toEqual([types.OPT]);
  expect(truncate(whole, whole.length)).toBe(whole);
});

test("addresses as text and bytes", () => {
  for (const text of [
    "0.0.0.0",
    "192.168.1.255",
    "::",
    "::1",
    "fd00:30::2",
    "1:0:0:2::",
    "2001:db8:0:1:1:1:1:1",
  ]) {
    const bytes = addressBytes(text);
    expect(bytes === undefined ? undefined : addressText(bytes)).toBe(text);
  }
  expect(addressBytes("::ffff:10.0.0.1")).toEqual(
    Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1]),
  );
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1:2",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "fe80::1%eth0",
    "g::",
    "1.2.3.4::",
  ])
    expect(addressBytes(text)).toBeUndefined();
  fc.assert(
    fc.property(address(16), (text) =>
      expect(addressText(addressBytes(text) ?? new Uint8Array())).toBe(text),
    ),
  );
});

test("names of addresses", () => {
  expect(reverseAddress("11.0.30.172.in-addr.arpa")).toBe("172.30.0.11");
  expect(reverseAddress(`2.${"0.".repeat(22)}0.3.0.0.0.0.d.f.ip6.arpa`)).toBeUndefined();
  expect(reverseAddress("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.0.0.0.d.f.ip6.arpa")).toBe(
    "fd00:30::2",
  );
  for (const text of ["1.1.in-addr.arpa", "in-addr.arpa", "x.0.30.172.in-addr.arpa", "web"])
    expect(reverseAddress(text)).toBeUndefined();
});
