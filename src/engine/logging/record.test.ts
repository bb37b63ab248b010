import { expect, test } from "bun:test";
import fc from "fast-check";
import { fixedTime, RecordScanner } from "./record.ts";
import { parseTime } from "../time.ts";

/** As native/log.c escapes: Go's encoding/json with HTML escaping. */
function shimLine(log: string, stream: string, time: string): Buffer {
  const escaped = JSON.stringify(log).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(`{"log":${escaped},"stream":"${stream}","time":"${time}"}\n`);
}

function read(
  line: Buffer,
): { text: Buffer; stream: number; compare: (ns: bigint) => number; shown: string } | undefined {
  const scanner = new RecordScanner();
  if (!scanner.read(line, 0, line.length - 1)) return undefined;
  const target = Buffer.alloc(scanner.textLimit + 32);
  const text = Buffer.from(target.subarray(0, scanner.copyText(line, target, 0)));
  const shown = target.toString("latin1", 0, scanner.copyTime(target, 0));
  return { text, stream: scanner.stream, compare: (ns) => scanner.compareTime(fixedTime(ns)), shown };
}

test("whatever a container writes comes back", () => {
  const log = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.string({
      unit: fc.constantFrom("\\", '"', "n", "\n", "\t", "<", "\u2028", "😀", '","stream":"stdout"'),
    }),
  );
  fc.assert(
    fc.property(log, fc.boolean(), fc.boolean(), (words, feed, error) => {
      const text = (feed ? `${words}\n` : words).toWellFormed();
      const found = read(shimLine(text, error ? "stderr" : "stdout", "2024-01-02T03:04:05.1234Z"));
      expect(found?.text.toString()).toBe(text);
      expect(found?.stream).toBe(error ? 2 : 1);
    }),
  );
}, 120_000);

test("times are exact", () => {
  for (const time of ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.1Z", "2024-02-29T23:59:59.000000001Z"]) {
    const found = read(shimLine("a", "stdout", time));
    const exact = parseTime(time);
    expect([exact - 1n, exact, exact + 1n, -1n].map((ns) => Math.sign(found?.compare(ns) ?? 9))).toEqual([
      1, 0, -1, 1,
    ]);
    const [whole, fraction = ""] = time.slice(0, -1).split(".");
    expect(found?.shown).toBe(`${whole}.${fraction.padEnd(9, "0")}Z`);
  }
});

test("other spellings of the same JSON are read as well", () => {
  const line = '{ "time": "2024-01-02T04:04:05.5+01:00", "stream": "stderr", "log": "a\\/\\u00e9\\ud83d" }\n';
  const found = read(Buffer.from(line));
  expect(found?.text.toString()).toBe("a/é\ufffd");
  expect([found?.stream, found?.shown]).toEqual([2, "2024-01-02T03:04:05.500000000Z"]);
});

test("a member between text and stream isn't taken for text", () => {
  const line = '{"log":"a\\n","x":"b","stream":"stdout","time":"2024-01-02T03:04:05Z"}\n';
  expect(read(Buffer.from(line))?.text.toString()).toBe("a\n");
});

test("lone surrogates and unknown escapes never break the frame", () => {
  expect(
    read(
      Buffer.from('{"log":"\\ud83dx\\udc00","stream":"stdout","time":"2024-01-02T03:04:05Z"}\n'),
    )?.text.toString(),
  ).toBe("\ufffdx\ufffd");
});

test("what is no record is refused", () => {
  for (const line of [
    "",
    "{",
    '{"log":"a',
    '{"log":"a","stream":"stdout","time":"yesterday"}',
    '{"log":"a","stream":"stdfoo","time":"2024-01-02T03:04:05Z"}',
    '{"log":"a","stream":"stdout","time":"2024-01-02T03:04:05Z"',
  ])
    expect(read(Buffer.from(`${line}\n`))).toBeUndefined();
});

test("attributes: the same in many records, other ones, none", () => {
  const lines = [
    '{"log":"a\\n","stream":"stdout","attrs":{"k":"1"},"time":"2024-01-02T03:04:05Z"}\n',
    '{"log":"b\\n","stream":"stderr","attrs":{"k":"1"},"time":"2024-01-02T03:04:06Z"}\n',
    '{"log":"c\\n","stream":"stdout","attrs":{"k":",\\"time\\":\\"x"},"time":"2024-01-02T03:04:07Z"}\n',
    '{"log":"d\\n","stream":"stdout","time":"2024-01-02T03:04:08Z"}\n',
    '{"log":"e\\n","stream":"stdout","attrs":{"k":1},"time":"2024-01-02T03:04:09Z"}\n',
  ];
  const block = Buffer.from(lines.join(""));
  const scanner = new RecordScanner();
  const found: unknown[] = [];
  for (let start = 0; start < block.length;) {
    const end = block.indexOf(0x0a, start);
    expect(scanner.read(block, start, end)).toBe(true);
    const target = Buffer.alloc(64);
    const text = target.toString("utf8", 0, scanner.copyText(block, target, 0));
    found.push([
      text,
      scanner.stream,
      scanner.attributes,
      target.toString("latin1", 0, scanner.copyTime(target, 0)).slice(17, 19),
    ]);
    start = end + 1;
  }
  expect(found).toEqual([
    ["a\n", 1, { k: "1" }, "05"],
    ["b\n", 2, { k: "1" }, "06"],
    ["c\n", 1, { k: ',"time":"x' }, "07"],
    ["d\n", 1, undefined, "08"],
    ["e\n", 1, undefined, "09"],
  ]);
});
