import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { BatchReader, countRecords, nextRecord } from "./batches.ts";
import { closeFiles, openLogFiles, type LogFile } from "./files.ts";
import type { LogLine, RemoteLog } from "./remote.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-batches-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const TIME = "2026-01-02T03:04:05.6Z";
const record = (log: string, stream = "stdout"): string => `${JSON.stringify({ log, stream, time: TIME })}\n`;

async function withLog<T>(content: string, work: (file: LogFile) => Promise<T>): Promise<T> {
  const path = join(folder, "log");
  writeFileSync(path, content);
  const files = await openLogFiles(path);
  const [file] = files;
  if (file === undefined) throw new RangeError("no log");
  try {
    return await work(file);
  } finally {
    await closeFiles(files);
  }
}

function remote(lines: LogLine[], batch = 1 << 20): RemoteLog {
  return {
    encode: (line) => {
      lines.push({ ...line, text: Buffer.from(line.text) });
      return line.text.length === 0 ? undefined : Buffer.from(line.text);
    },
    connect: () => Promise.reject(new RangeError("not needed")),
    connectsAtStart: false,
    retryWait: 1,
    batch,
  };
}

test("whole records are read, what isn't whole waits", async () => {
  const whole = record("a\n") + record("b\n", "stderr");
  const lines: LogLine[] = [];
  await withLog(whole + record("c\n").slice(0, -5), async (file) => {
    const reader = new BatchReader(remote(lines));
    const batch = await reader.read(file, 0);
    expect(batch?.messages.map(String)).toEqual(["a", "b"]);
    expect(batch?.offset).toBe(whole.length);
    expect(await reader.read(file, whole.length)).toBeUndefined();
  });
  expect(lines.map(({ stream }) => stream)).toEqual(["stdout", "stderr"]);
  expect(lines[0]?.time).toBe(BigInt(Date.UTC(2026, 0, 2, 3, 4, 5, 600)) * 1_000_000n);
  expect(lines[0]?.piece).toBeUndefined();
});

test("a record that is none, and one that the server takes none of, are passed over", async () => {
  const content = `\n{"broken\n${record("\n")}${record("a\n")}`;
  await withLog(content, async (file) => {
    const batch = await new BatchReader(remote([])).read(file, 0);
    expect(batch?.messages.map(String)).toEqual(["a"]);
    expect(batch?.offset).toBe(content.length);
  });
});

test("a batch ends with the record that fills it", async () => {
  const content = record("1234\n").repeat(5);
  await withLog(content, async (file) => {
    const reader = new BatchReader(remote([], 6));
    const first = await reader.read(file, 0);
    expect(first?.messages).toHaveLength(2);
    expect(first?.offset).toBe((content.length / 5) * 2);
    const second = await reader.read(file, first?.offset ?? 0);
    expect(second?.messages).toHaveLength(2);
  });
});

test("pieces of a line are numbered, by stream, until its end", async () => {
  const lines: LogLine[] = [];
  const content = [
    record("a1"),
    record("b1", "stderr"),
    record("a2"),
    record("a3\n"),
    record("b2\n", "stderr"),
    record("whole\n"),
  ].join("");
  await withLog(content, async (file) => void (await new BatchReader(remote(lines)).read(file, 0)));
  expect(lines.map(({ piece }) => (piece === undefined ? [] : [piece.ordinal, piece.last]))).toEqual([
    [1, false],
    [1, false],
    [2, false],
    [3, true],
    [2, true],
    [],
  ]);
  const time = BigInt(Date.UTC(2026, 0, 2, 3, 4, 5, 600)) * 1_000_000n;
  const id = (stream: string): string => createHash("sha256").update(`${stream} ${time}`).digest("hex");
  expect([0, 2, 3].map((i) => lines[i]?.piece?.id)).toEqual(Array(3).fill(id("stdout")));
  expect([1, 4].map((i) => lines[i]?.piece?.id)).toEqual(Array(2).fill(id("stderr")));
});

test("a block without a line's end is passed over", async () => {
  await withLog("x".repeat(300 * 1024), async (file) => {
    const batch = await new BatchReader(remote([])).read(file, 0);
    expect(batch).toEqual({ messages: [], offset: 256 * 1024 });
  });
});

test("records between offsets are counted, and the next one is found", async () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.nat({ max: 400 }), fc.nat({ max: 400 }), async (lines, a, b) => {
      const content = lines.map((length) => `${"x".repeat(length)}\n`).join("");
      const [from, to] = [a, b].map((n) => Math.min(n, content.length)).toSorted((x, y) => x - y);
      await withLog(content, async (file) => {
        const expected = content.slice(from, to).split("\n").length - 1;
        expect(await countRecords(file, from ?? 0, to ?? 0)).toBe(expected);
        const feed = content.indexOf("\n", from);
        expect(await nextRecord(file, from ?? 0)).toBe(feed < 0 ? content.length : feed + 1);
      });
    }),
    { numRuns: 40 },
  );
});
