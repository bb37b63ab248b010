import { expect, test } from "bun:test";
import fc from "fast-check";
import { LogFormatter, type LogFormat } from "./format.ts";

const everything: LogFormat = { stdout: true, stderr: true, timestamps: false, details: false, tty: false };

function line(log: string, more: object = {}): string {
  return `${JSON.stringify({ log, stream: "stdout", time: "2026-01-02T03:04:05.6Z", ...more })}\n`;
}

function format(text: string, how: Partial<LogFormat> = {}, corrupt: string[] = []): Buffer {
  const formatter = new LogFormatter({ ...everything, ...how }, (bad) => corrupt.push(bad));
  const block = Buffer.from(text);
  formatter.add(block, 0, block.length);
  return Buffer.concat(formatter.take());
}

test("each record is a frame: stream, three zeros, length in 4 bytes", () => {
  const found = format(line("a\n") + line("bé\n", { stream: "stderr" }));
  expect(found.toString("latin1")).toBe("\x01\0\0\0\0\0\0\x02a\n\x02\0\0\0\0\0\0\x04b\xc3\xa9\n");
});

test("a terminal's log has no frames", () => {
  expect(format(line("a\n") + line("b\n"), { tty: true }).toString()).toBe("a\nb\n");
});

test("times have nine digits, details are a query, sorted, before the text", () => {
  const attrs = { b: "x y", a: "1&2", "c'": "é" };
  const text = line("t\n", { attrs });
  const how = { tty: true, timestamps: true, details: true };
  expect(format(text, how).toString()).toBe("2026-01-02T03:04:05.600000000Z a=1%262,b=x+y,c%27=%C3%A9 t\n");
  // Without any there is still the space.
  expect(format(line("t\n"), { tty: true, details: true }).toString()).toBe(" t\n");
});

test("only the streams that were asked for", () => {
  const text = line("a\n") + line("b\n", { stream: "stderr" });
  expect(format(text, { tty: true, stderr: false }).toString()).toBe("a\n");
  expect(format(text, { tty: true, stdout: false }).toString()).toBe("b\n");
});

test("`since` holds back until it is met once, `until` ends it", () => {
  const at = (second: number, log: string): string => line(log, { time: `2026-01-02T03:04:0${second}Z` });
  const ns = (second: number): bigint => BigInt(Date.UTC(2026, 0, 2, 3, 4, second)) * 1_000_000n;
  // A clock that goes back doesn't hide what came after the first new one.
  const text = at(1, "a\n") + at(3, "b\n") + at(2, "c\n") + at(5, "d\n") + at(4, "e\n");
  expect(format(text, { tty: true, since: ns(3) }).toString()).toBe("b\nc\nd\ne\n");
  expect(format(text, { tty: true, until: ns(3) }).toString()).toBe("a\nb\nc\n");
  const formatter = new LogFormatter({ ...everything, until: ns(2) }, () => undefined);
  const block = Buffer.from(text);
  expect(formatter.add(block, 0, block.length)).toBe(false);
});

test("what is no record is told of, an empty line is not", () => {
  const corrupt: string[] = [];
  const long = `{"log":"${"x".repeat(500)}`;
  expect(format(`\n${line("a\n")}${long}\n${line("b\n")}`, { tty: true }, corrupt).toString()).toBe("a\nb\n");
  expect(corrupt).toEqual([long.slice(0, 200)]);
});

test("whatever is written comes back, also in several steps", () => {
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 200 }), { maxLength: 30 });
  fc.assert(
    fc.property(texts, fc.boolean(), (all, details) => {
      const formatter = new LogFormatter({ ...everything, tty: true, details }, () => undefined);
      const chunks: Buffer[] = [];
      for (const text of all) {
        const block = Buffer.from(`${line("pad\n")}${line(text, { attrs: { a: "b" } })}`);
        formatter.add(block, line("pad\n").length, block.length);
        if (text.length % 2 === 0) chunks.push(...formatter.take());
      }
      chunks.push(...formatter.take());
      const shown = all.map((text) => `${details ? "a=b " : ""}${text}`).join("");
      expect(Buffer.concat(chunks).toString()).toBe(shown);
    }),
    { numRuns: 50 },
  );
});
